import { connect, stopwatch } from "@talktime/client";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const talktime = connect({
  url: "https://talktime.example",
  token: () => fetch("/my-token").then((answer) => answer.text()),
});

function Timer({ chatId }) {
  const [frame, setFrame] = useState(null);
  useEffect(() => {
    const stop = talktime.watch(chatId).onFrame(setFrame);
    return () => {
      stop();
      talktime.unwatch(chatId); // a person who watches is present, and may be charged
    };
  }, [chatId]);
  if (frame?.elapsedMs == null) return <p role="timer">--:--</p>;
  return (
    <p role="timer">
      {stopwatch(frame.elapsedMs)}, {frame.balance} credits left
    </p>
  );
}

createRoot(document.querySelector("#app")).render(<Timer chatId="chat-1" />);
