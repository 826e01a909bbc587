/** Gives the texts of pages their words: a page brings its own. */

import english from "../../../src/talktime/service/pages/words/en.json";
import forOperators from "../../../src/talktime/service/pages/words/operator/en.json";
import { useWords } from "../../pages/texts/language.ts";

useWords({ ...english, ...forOperators });
