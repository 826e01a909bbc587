/** What a person has written and not sent is still there after the page was loaded again. */

/** Keeps the text of the field in this tab, under `name`, until it is sent. */
export function keepDraft(field: HTMLTextAreaElement, name: string): void {
  const key = `talktime.draft.${name}`;
  field.value = sessionStorage.getItem(key) ?? field.value;
  const keep = () => {
    if (field.value === "") sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, field.value);
  };
  field.addEventListener("input", keep);
  // A message that is sent empties the field without an event of its own.
  field.form?.addEventListener("submit", () => setTimeout(keep));
}
