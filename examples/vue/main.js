import { connect, stopwatch } from "@talktime/client";
import { createApp, h, shallowRef, watchEffect } from "vue";

const talktime = connect({
  url: "https://talktime.example",
  token: () => fetch("/my-token").then((answer) => answer.text()),
});

const Timer = {
  props: ["chatId"],
  setup(props) {
    const frame = shallowRef();
    watchEffect((onCleanup) => {
      const { chatId } = props;
      const stop = talktime.watch(chatId).onFrame((next) => {
        frame.value = next;
      });
      onCleanup(() => {
        stop();
        talktime.unwatch(chatId); // a person who watches is present, and may be charged
      });
    });
    return () => {
      if (frame.value?.elapsedMs == null) return h("p", { role: "timer" }, "--:--");
      const { elapsedMs, balance } = frame.value;
      return h("p", { role: "timer" }, `${stopwatch(elapsedMs)}, ${balance} credits left`);
    };
  },
};

createApp(Timer, { chatId: "chat-1" }).mount("#app");
