/** The style of `<talk-chat>`: fonts and colours are those of the page around it. */
export const STYLE = `
:host { display: flex; flex-direction: column; gap: var(--talk-chat-gap, 0.75em); height: var(--talk-chat-height, 32em) }
:host([hidden]), [hidden] { display: none !important }
p, ol { margin: 0; padding: 0 }
[part="meter"] { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.5em 1em }
[part="status"] { flex: 1 1 100% }
[part="acts"], .actions { display: flex; flex-wrap: wrap; gap: 0.5em }
[part="talk"] { display: flex; flex-direction: column; flex: 1; min-height: 0 }
[part="log"] { flex: 1; min-height: 0; overflow-y: auto; position: relative }
ol { list-style: none; display: flex; flex-direction: column; gap: 0.4em }
li { max-width: 85%; align-self: flex-start; padding: 0.4em 0.8em; border: 1px solid; border-radius: 1em; overflow: clip }
li.own { align-self: flex-end }
li.none { border: 0; align-self: center }
li.pending { border-style: dashed }
li .text { display: block; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: plaintext }
li small { font-size: 0.75em }
[part="typing"] { min-height: 1.5em; font-size: 0.9em }
[part="composer"] { display: flex; flex-wrap: wrap; gap: 0.5em; align-items: flex-end }
[part="why"] { flex: 1 0 100%; font-size: 0.9em }
[part="field"] { flex: 1; min-width: 0; font: inherit; color: inherit; background: none; border: 1px solid; border-radius: 0.4em; padding: 0.4em; resize: none; field-sizing: content; max-height: 8em }
button:disabled { opacity: 0.5; cursor: default }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--talk-chat-accent, currentColor); border-radius: 0.4em; padding: 0.4em 0.8em; cursor: pointer }
dialog { font: inherit; max-width: 30em }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
`;
