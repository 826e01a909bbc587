/**
 * The words of our pages. Their dictionaries are files of the service, `src/talktime/service/pages/words`, which writes each
 * page in the language of its reader and sends the words along: so a page is in one language from its first moment.
 * Pages for operators get more words than the others.
 */

import type english from "../../../src/talktime/service/pages/words/en.json";
import type forOperators from "../../../src/talktime/service/pages/words/operator/en.json";
import "../../src/talk/words.ts";
import { filled, type Words, wordsOf } from "../../src/words.ts";

export type Dictionary = typeof english & typeof forOperators;
export type Word = keyof Dictionary;

let dictionary: Dictionary | null = null;

/** Takes the words from elsewhere than the page: for tests. */
export function useWords(words: Dictionary): void {
  dictionary = words;
}

/** A text in the language of the page, with each `{name}` filled in. */
export function say(word: Word, values: Record<string, string> = {}): string {
  dictionary ??= JSON.parse(
    document.querySelector<HTMLMetaElement>("meta[name=words]")?.content ?? "{}",
  ) as Dictionary;
  return filled(dictionary[word], values);
}

/** A text as pieces, with an element in each gap. */
export function sentence(word: Word, elements: Record<string, Node>): (Node | string)[] {
  return say(word)
    .split(/\{(\w+)\}/)
    .map((piece, index) => (index % 2 === 0 ? piece : (elements[piece] ?? piece)));
}

/** The language of the page, such as "de". */
export function languageOfPage(): string {
  return globalThis.document?.documentElement.lang || "en";
}

/** The language in which the page writes dates. English dates are those of most of the world: day, month, year. */
export function localeOfPage(): string {
  const language = languageOfPage();
  return language === "en" ? "en-GB" : language;
}

/** The words that our pages share with the element `<talk-chat>`. */
export function talkWords(): Words {
  return wordsOf(languageOfPage());
}
