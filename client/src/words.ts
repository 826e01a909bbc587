/**
 * The words of the elements in each language, those for screen readers too. A host may replace every word, and add
 * languages. The words of `<talk-chat>` stand in `talk/words.ts`, so that a page with `<talk-time>` alone does not load them.
 */

import { Emitter } from "./store.ts";
import type { TalkWords } from "./talk/english.ts";

const english = {
  elapsed: "Time",
  credits: "Credits",
  free: "Free left",
  topUp: "Top up",
  /** In place of the digits, while the timer of a new record could not be started. */
  starting: "starting…",
  paidTimeStarts: "Paid time starts now",
  creditRanOut: "Credit has run out, the timer is paused",
  conversationEnded: "The conversation has ended",
  left5Minutes: "5 minutes left",
  left2Minutes: "2 minutes left",
  left1Minute: "1 minute left",
  left30Seconds: "30 seconds left",
};

type TimerWords = typeof english;

export type Words = TimerWords & TalkWords;

const german: TimerWords = {
  elapsed: "Zeit",
  credits: "Guthaben",
  free: "Noch frei",
  topUp: "Aufladen",
  starting: "startet…",
  paidTimeStarts: "Ab jetzt kostet die Zeit",
  creditRanOut: "Das Guthaben ist aufgebraucht, die Zeit ist angehalten",
  conversationEnded: "Das Gespräch ist beendet",
  left5Minutes: "Noch 5 Minuten",
  left2Minutes: "Noch 2 Minuten",
  left1Minute: "Noch 1 Minute",
  left30Seconds: "Noch 30 Sekunden",
};

const spanish: TimerWords = {
  elapsed: "Tiempo",
  credits: "Saldo",
  free: "Gratis",
  topUp: "Recargar",
  starting: "empezando…",
  paidTimeStarts: "Empieza el tiempo de pago",
  creditRanOut: "Se ha agotado el saldo, el tiempo está en pausa",
  conversationEnded: "La conversación ha terminado",
  left5Minutes: "Quedan 5 minutos",
  left2Minutes: "Quedan 2 minutos",
  left1Minute: "Queda 1 minuto",
  left30Seconds: "Quedan 30 segundos",
};

const dictionary = new Map<string, Partial<Words>>([
  ["en", english],
  ["de", german],
  ["es", spanish],
]);

/** A word was replaced. */
export const wordsChanged = new Emitter<undefined>();

/** Replaces words of a language, such as `setWords("de", { topUp: "Guthaben kaufen" })`, or adds a language. */
export function setWords(language: string, words: Partial<Words>): void {
  const known = language.toLowerCase();
  dictionary.set(known, { ...dictionary.get(known), ...words });
  wordsChanged.emit(undefined);
}

/** Adds our own words of a language. A host may have replaced some of them already. */
export function addWords(language: string, words: Partial<Words>): void {
  dictionary.set(language, { ...words, ...dictionary.get(language) });
}

/** The words, with each `{name}` filled in. */
export function filled(words: string, values: Record<string, string>): string {
  return words.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** The words of a language, such as `de-AT`. A word that is missing there comes from `de`, or else from English. */
export function wordsOf(language: string): Words {
  const parts = language.toLowerCase().split("-");
  const found = parts.map((_, end) => dictionary.get(parts.slice(0, end + 1).join("-")));
  return Object.assign({}, dictionary.get("en"), ...found) as Words;
}

/** The language of an element: that of its attribute `lang`, or of the nearest element around it that has one. */
export function languageOf(element: Element): string {
  for (let node: Node | null = element; node; ) {
    const language: string | null = node instanceof Element ? node.getAttribute("lang") : null;
    if (language) return language;
    node = node instanceof ShadowRoot ? node.host : node.parentNode;
  }
  return "en";
}
