/** Asks a person before something happens that can't be undone or that costs something. */

import { make, setText } from "../dom.ts";

const TEXT_REFRESH_MS = 500;

export interface Question {
  title: string;
  /**
   * A function where the text changes while the person thinks, as a cost does. Null closes the question like `no`, because
   * what it asks has happened meanwhile.
   */
  text: string | (() => string | null);
  /** The button that goes on. */
  yes: string;
  /** The button that changes nothing. It has the focus first. */
  no: string;
  isDanger?: boolean;
}

/** Whether the person chose `yes`, in a dialog within `parent`. The focus goes back to where it was. */
export function ask(
  { title, text, yes, no, isDanger = false }: Question,
  parent: Node = document.body,
): Promise<boolean> {
  const textNow = () => (typeof text === "string" ? text : text());
  const line = make("p", { dir: "auto" }, textNow() ?? "");
  const dialog = make(
    "dialog",
    { "aria-labelledby": "ask-title" },
    make(
      "form",
      { method: "dialog" },
      make("h2", { id: "ask-title", dir: "auto" }, title),
      line,
      make(
        "p",
        { class: "actions" },
        make("button", { value: "no", autofocus: true }, no),
        make("button", { value: "yes", class: isDanger ? "danger" : "primary" }, yes),
      ),
    ),
  );
  parent.appendChild(dialog);
  return new Promise((resolve) => {
    const repeated = setInterval(() => {
      const now = textNow();
      if (now === null) dialog.close("no");
      else setText(line, now);
    }, TEXT_REFRESH_MS);
    dialog.onclose = () => {
      clearInterval(repeated);
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    };
    dialog.showModal();
  });
}
