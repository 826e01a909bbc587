/** A record's time as a picture: a bar per stretch that ran, coloured by chat, a dotted line where it stood. */

import { stopwatch } from "../../src/core/digits.ts";
import type { Instant, Reason, Segment } from "../../src/core/types.ts";
import { draw, make } from "../shell/dom.ts";
import { exactly, minutes, reason } from "../texts/words.ts";

/** A stretch of the record: a chat's running time, or with `chat` null a pause and why it was. */
export interface Stretch {
  from: Instant;
  to: Instant;
  ms: number;
  /** The number that the pair's chat has everywhere. */
  chat: number | null;
  reason: Reason | null;
}

const COLOURS = 4;
const CHARACTER_PX = 7;

/**
 * Segments with the pauses between them and up to `end`. `numbers` are the pair's chats as the chat's page counts them; one
 * that isn't there counts in the order in which they ran.
 */
export function stretchesOf(
  segments: readonly Segment[],
  end: Instant,
  numbers: ReadonlyMap<string, number> = new Map(),
): Stretch[] {
  const chats = [...new Set(segments.map((segment) => segment.chat_id))];
  const stretches: Stretch[] = [];
  segments.forEach((segment, index) => {
    const to = segment.ended_at ?? end;
    const chat = numbers.get(segment.chat_id) ?? chats.indexOf(segment.chat_id) + 1;
    stretches.push({ from: segment.started_at, to, ms: segment.duration_ms, chat, reason: segment.reason });
    const next = segments[index + 1]?.started_at ?? end;
    const ms = Date.parse(next) - Date.parse(to);
    if (ms > 0) stretches.push({ from: to, to: next, ms, chat: null, reason: segment.reason });
  });
  return stretches;
}

/** The picture `width` pixels wide, with its words for those who can't see it, and the key of its colours. */
export function timeline(stretches: readonly Stretch[], width: number): Node[] {
  const [first, last] = [stretches[0], stretches.at(-1)];
  if (!first || !last) return [make("p", { class: "quiet" }, "No time ran.")];
  const start = Date.parse(first.from);
  const whole = Math.max(1, Date.parse(last.to) - start);
  const at = (instant: Instant): number => ((Date.parse(instant) - start) / whole) * 100;
  const ran = stretches.filter((stretch) => stretch.chat !== null);
  const pauses = stretches.length - ran.length;
  const chats = [...new Set(ran.map((stretch) => stretch.chat ?? 0))].sort((a, b) => a - b);
  const words = `From ${exactly(first.from)} to ${exactly(last.to)}: ${count(ran.length, "stretch", "stretches")} in ${count(chats.length, "chat", "chats")}, ${count(pauses, "pause", "pauses")}.`;
  const picture = draw(
    "svg",
    { class: "timeline", height: "78", role: "img", "aria-labelledby": "picture-title picture-text" },
    draw("title", { id: "picture-title" }, "When the time ran"),
    draw("desc", { id: "picture-text" }, words),
    ...stretches.flatMap((stretch) => shape(stretch, at(stretch.from), at(stretch.to), width)),
    ...[0, 100].map((x) => draw("line", { class: "edge", x1: `${x}%`, x2: `${x}%`, y1: "18", y2: "62" })),
    draw("text", { x: "0", y: "76" }, exactly(first.from)),
    draw("text", { x: "100%", y: "76", "text-anchor": "end" }, exactly(last.to)),
  );
  return [picture, key(chats, pauses)];
}

function shape(stretch: Stretch, from: number, to: number, whole: number): Node[] {
  const width = Math.max(to - from, 0.4);
  // A label wider than what it names would run into its neighbour.
  const label = (text: string, y: number): Node[] =>
    text.length * CHARACTER_PX < (width / 100) * whole
      ? [draw("text", { x: `${from + width / 2}%`, y: String(y), "text-anchor": "middle" }, text)]
      : [];
  const long = stretch.ms < 60_000 ? stopwatch(stretch.ms) : minutes(stretch.ms);
  if (stretch.chat === null) {
    const line = draw(
      "line",
      { class: "pause", x1: `${from}%`, x2: `${to}%`, y1: "40", y2: "40" },
      draw("title", {}, `${reason(stretch.reason)}, ${long}`),
    );
    return [line, ...label(reason(stretch.reason), 32)];
  }
  const bar = draw(
    "rect",
    { class: colour(stretch.chat), x: `${from}%`, width: `${width}%`, y: "22", height: "36", rx: "4" },
    draw("title", {}, `Chat ${stretch.chat}, ${long}`),
  );
  return [bar, ...label(`Chat ${stretch.chat} · ${long}`, 12)];
}

function key(chats: readonly number[], pauses: number): HTMLElement {
  const entries = chats.map((chat) =>
    make(
      "li",
      {},
      swatch(draw("rect", { class: colour(chat), width: "100%", height: "100%", rx: "3" })),
      `Chat ${chat}`,
    ),
  );
  if (pauses > 0) {
    const line = draw("line", { class: "pause", x1: "0", x2: "100%", y1: "50%", y2: "50%" });
    entries.push(make("li", {}, swatch(line), "paused, not charged"));
  }
  return make("ul", { class: "key" }, ...entries);
}

function swatch(shape: Node): SVGElement {
  return draw("svg", { class: "timeline", "aria-hidden": "true" }, shape);
}

/** Past the fourth chat colours repeat: the labels and the table tell them apart. */
function colour(chat: number): string {
  const index = (chat - 1) % COLOURS;
  return index === 0 ? "time" : `time other${index}`;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
