import "@talktime/client/talk-chat";
import { createRoot } from "react-dom/client";

type TalkChat = HTMLElementTagNameMap["talk-chat"];

// React 19 hands a function to the property of its name, and calls `ontopup` for the event `topup`.
declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "talk-chat": DetailedHTMLProps<HTMLAttributes<TalkChat>, TalkChat> & {
        "chat-id": string;
        src?: string;
        party?: "user" | "advisor";
        currency?: string;
        token: TalkChat["token"];
        ontopup?: (event: Event) => void;
      };
    }
  }
}

// The function stands outside of the component: a new function in each rendering would count as another token.
const token = () => fetch("/my-token").then((answer) => answer.text());

function Conversation({ chatId }: { chatId: string }) {
  return (
    <talk-chat
      chat-id={chatId}
      src="https://talktime.example"
      token={token}
      ontopup={() => window.open("/buy-credits")}
    />
  );
}

const app = document.querySelector("#app");
if (app) createRoot(app).render(<Conversation chatId="chat-1" />);
