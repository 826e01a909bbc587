/** The entries of a period as a file. A link could not carry the token, so the file is requested by the script. */

import { RequestProblem } from "../../src/request.ts";
import { root, token } from "../shell/service.ts";
import { say } from "../texts/language.ts";

/**
 * All entries of the period as CSV.
 *
 * @throws RequestProblem when the request is refused, or the answer ends too early.
 */
export async function entriesFile(period: string): Promise<Blob> {
  const headers = { authorization: `Bearer ${token()}`, accept: "text/csv" };
  const answer = await fetch(`${root}/v1/entries?${period}`, { headers }).catch(() => null);
  const file = answer?.ok ? await answer.blob().catch(() => null) : null;
  if (file) return file;
  const refusal: unknown = answer?.ok ? null : await answer?.json().catch(() => null);
  throw new RequestProblem({
    title: say("entriesUnread"),
    code: "unreachable",
    ...(refusal as object | null),
    status: answer?.ok ? 0 : (answer?.status ?? 0),
  });
}
