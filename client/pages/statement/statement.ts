/** An advisor's statement of a month. */

import { find, setText } from "../shell/dom.ts";
import { openPage, showLoaded, showProblem } from "../shell/frame.ts";
import { openMonth } from "../shell/month.ts";
import { showStatement } from "../shell/statement.ts";

async function open(advisor: string): Promise<void> {
  const month = await openMonth();
  const { advisor_name } = await showStatement(advisor, month);
  setText(find("name"), advisor_name);
  showLoaded();
  find("statement").hidden = false;
  find("print").addEventListener("click", () => print());
}

const session = await openPage("advisor");
if (session) open(session.subject).catch(showProblem);
