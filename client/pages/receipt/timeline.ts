/** The time of a record as a picture: a bar for each segment, coloured by chat, and a dotted line for each pause. */

import { stopwatch } from "../../src/core/digits.ts";
import type { Instant, Reason, Segment } from "../../src/core/types.ts";
import { make, makeSvg } from "../shell/dom.ts";
import { say } from "../texts/language.ts";
import { minutes, reason, timeOfDay } from "../texts/words.ts";

/** A segment of the record or, where `chat` is null, a pause and its reason. */
export interface TimelinePart {
  from: Instant;
  to: Instant;
  ms: number;
  /** The number of the chat among the pair's chats. */
  chat: number | null;
  reason: Reason | null;
}

const COLOURS = 4;
const CHARACTER_PX = 7;

/**
 * The segments, the pauses between them and the pause up to `end`. `numbers` are the numbers of the pair's chats; a chat
 * without a number gets the next one in the order of the segments.
 */
export function partsOf(
  segments: readonly Segment[],
  end: Instant,
  numbers: ReadonlyMap<string, number> = new Map(),
): TimelinePart[] {
  const chats = [...new Set(segments.map((segment) => segment.chat_id))];
  const parts: TimelinePart[] = [];
  segments.forEach((segment, index) => {
    const to = segment.ended_at ?? end;
    const chat = numbers.get(segment.chat_id) ?? chats.indexOf(segment.chat_id) + 1;
    parts.push({ from: segment.started_at, to, ms: segment.duration_ms, chat, reason: segment.reason });
    const next = segments[index + 1]?.started_at ?? end;
    const ms = Date.parse(next) - Date.parse(to);
    if (ms > 0) parts.push({ from: to, to: next, ms, chat: null, reason: segment.reason });
  });
  return parts;
}

/** The picture, `width` pixels wide, with a text for people who can't see it, and the legend of its colours. */
export function timeline(parts: readonly TimelinePart[], width: number): Node[] {
  const [first, last] = [parts[0], parts.at(-1)];
  if (!first || !last) return [make("p", { class: "quiet" }, say("noTimeRan"))];
  const start = Date.parse(first.from);
  const whole = Math.max(1, Date.parse(last.to) - start);
  const at = (instant: Instant): number => ((Date.parse(instant) - start) / whole) * 100;
  const ran = parts.filter((part) => part.chat !== null);
  const pauses = parts.length - ran.length;
  const chats = [...new Set(ran.map((part) => part.chat ?? 0))].sort((a, b) => a - b);
  const words = say("timelineInWords", {
    from: timeOfDay(first.from),
    to: timeOfDay(last.to),
    segments: String(ran.length),
    chats: String(chats.length),
    pauses: String(pauses),
  });
  const picture = makeSvg(
    "svg",
    { class: "timeline", height: "78", role: "img", "aria-labelledby": "picture-title picture-text" },
    makeSvg("title", { id: "picture-title" }, say("whenTimeRan")),
    makeSvg("desc", { id: "picture-text" }, words),
    ...parts.flatMap((part) => shape(part, at(part.from), at(part.to), width)),
    ...[0, 100].map((x) => makeSvg("line", { class: "edge", x1: `${x}%`, x2: `${x}%`, y1: "18", y2: "62" })),
    makeSvg("text", { x: "0", y: "76" }, timeOfDay(first.from)),
    makeSvg("text", { x: "100%", y: "76", "text-anchor": "end" }, timeOfDay(last.to)),
  );
  return [picture, legend(chats, pauses)];
}

function shape(part: TimelinePart, from: number, to: number, whole: number): Node[] {
  const width = Math.max(to - from, 0.4);
  // A label that is wider than its part would overlap the next label.
  const label = (text: string, y: number): Node[] =>
    text.length * CHARACTER_PX < (width / 100) * whole
      ? [makeSvg("text", { x: `${from + width / 2}%`, y: String(y), "text-anchor": "middle" }, text)]
      : [];
  const long = part.ms < 60_000 ? stopwatch(part.ms) : minutes(part.ms);
  if (part.chat === null) {
    const line = makeSvg(
      "line",
      { class: "pause", x1: `${from}%`, x2: `${to}%`, y1: "40", y2: "40" },
      makeSvg("title", {}, `${reason(part.reason)}, ${long}`),
    );
    return [line, ...label(reason(part.reason), 32)];
  }
  const bar = makeSvg(
    "rect",
    { class: colour(part.chat), x: `${from}%`, width: `${width}%`, y: "22", height: "36", rx: "4" },
    makeSvg("title", {}, `${numbered(part.chat)}, ${long}`),
  );
  return [bar, ...label(`${numbered(part.chat)} · ${long}`, 12)];
}

function legend(chats: readonly number[], pauses: number): HTMLElement {
  const entries = chats.map((chat) =>
    make(
      "li",
      {},
      swatch(makeSvg("rect", { class: colour(chat), width: "100%", height: "100%", rx: "3" })),
      numbered(chat),
    ),
  );
  if (pauses > 0) {
    const line = makeSvg("line", { class: "pause", x1: "0", x2: "100%", y1: "50%", y2: "50%" });
    entries.push(make("li", {}, swatch(line), say("pausedNotCharged")));
  }
  return make("ul", { class: "key" }, ...entries);
}

function swatch(shape: Node): SVGElement {
  return makeSvg("svg", { class: "timeline", "aria-hidden": "true" }, shape);
}

/** From the fifth chat on colours repeat; labels and the table still differ. */
function colour(chat: number): string {
  const index = (chat - 1) % COLOURS;
  return index === 0 ? "time" : `time other${index}`;
}

function numbered(chat: number | null): string {
  return say("numberedChat", { number: String(chat) });
}
