/** The checks of a receipt's shares: how the cost divides. A user's receipt has no shares. */

import { amountCheck, type Check, check, orderChecks } from "./check.ts";
import { costAt, shareAt } from "./facts.ts";
import { floorDiv, least, most } from "./integers.ts";
import { micros } from "./price.ts";
import type { Share } from "./share.ts";
import type { Credits, Instant, Json, Receipt, SharedEntry } from "./types.ts";

/** The totals of the entries before one of them; `shared` and `sharedByAdvisor` are those of the shared refunds. */
interface SharedTotals extends Share {
  charged: bigint;
  shared: bigint;
  sharedByAdvisor: bigint;
}

export function shareChecks(receipt: Receipt): Check[] {
  const { shares } = receipt;
  if (!shares) return [];
  const totals: SharedTotals = { advisor: 0n, fees: 0n, charged: 0n, shared: 0n, sharedByAdvisor: 0n };
  const checks = shares.entries.flatMap((entry, index) => {
    const path = `shares.entries[${index}]`;
    const amount = micros(entry.amount);
    const sides = -(amount + micros(entry.advisor_amount));
    const what = "fees that go on alone take nothing from the user";
    return [
      ...(entry.kind === "refund"
        ? sharedRefund(path, entry, totals)
        : sharedCharge(path, entry, totals, shareAt(receipt, shares.terms, entry.at))),
      ...(entry.kind === "share" ? [amountCheck(`${path}.amount`, what, entry.amount, 0n)] : []),
      amountCheck(
        `${path}.platform_amount`,
        "the three sides add up to nothing",
        entry.platform_amount,
        sides,
      ),
    ];
  });
  const { advisor, fees } = shareAt(receipt, shares.terms, receipt.server_time);
  const platform = costAt(receipt, receipt.server_time) - advisor;
  const users = shares.entries.filter(({ kind }) => kind !== "share").map(same);
  return [
    ...checks,
    ...orderChecks("shares.entries", shares.entries, receipt.server_time),
    amountCheck("shares.advisor", "how the cost divides", shares.advisor, advisor),
    amountCheck("shares.fees", "how the cost divides", shares.fees, fees),
    amountCheck("shares.platform", "how the cost divides", shares.platform, platform),
    check("shares.entries", "the shared entries are the user's entries", users, receipt.entries.map(same)),
  ];
}

function sharedCharge(path: string, entry: SharedEntry, totals: SharedTotals, upToHere: Share): Check[] {
  const [advisor, fees] = [upToHere.advisor - totals.advisor, upToHere.fees - totals.fees];
  Object.assign(totals, upToHere);
  totals.charged -= micros(entry.amount);
  return [
    amountCheck(`${path}.advisor_amount`, "the advisor's part up to here", entry.advisor_amount, advisor),
    amountCheck(`${path}.fees`, "the fees up to here", entry.fees, fees),
    check(`${path}.borne_by`, "only a refund is borne by somebody", entry.borne_by, null),
  ];
}

function sharedRefund(path: string, entry: SharedEntry, totals: SharedTotals): Check[] {
  const borne = borneByAdvisor(entry, totals);
  if (entry.borne_by === "shared") {
    totals.shared += micros(entry.amount);
    totals.sharedByAdvisor -= micros(entry.advisor_amount);
  }
  return [
    amountCheck(`${path}.advisor_amount`, "the advisor's part of a refund", entry.advisor_amount, -borne),
    amountCheck(`${path}.fees`, "a refund gives no fees back", entry.fees, 0n),
    check(`${path}.borne_by`, "a refund says who bears it", entry.borne_by === null, false),
  ];
}

/** The part of a refund that the advisor bears: of a shared one, in the proportion in which it was earned. */
function borneByAdvisor(entry: SharedEntry, totals: SharedTotals): bigint {
  const amount = micros(entry.amount);
  if (entry.borne_by === "advisor") return amount;
  if (entry.borne_by !== "shared") return 0n;
  const upToHere =
    totals.charged === 0n ? 0n : floorDiv((totals.shared + amount) * totals.advisor, totals.charged);
  return least(amount, most(0n, upToHere - totals.sharedByAdvisor));
}

/** The fields that an entry has in the ledger of the user and among the shares. */
function same({ id, at, kind, amount }: { id: string; at: Instant; kind: string; amount: Credits }): Json {
  return [id, at, kind, amount];
}
