import { connect, stopwatch } from "@talktime/client";
import { createApp, h, onUnmounted, shallowRef } from "vue";

const talktime = connect({
  url: "https://talktime.example",
  token: () => fetch("/my-token").then((answer) => answer.text()),
});

const Timer = {
  props: ["chatId"],
  setup({ chatId }) {
    const frame = shallowRef();
    const stop = talktime.watch(chatId).onFrame((next) => {
      frame.value = next;
    });
    onUnmounted(stop);
    return () => {
      if (frame.value?.elapsedMs == null) return h("p", { role: "timer" }, "--:--");
      const { elapsedMs, balance } = frame.value;
      return h("p", { role: "timer" }, `${stopwatch(elapsedMs)}, ${balance} credits left`);
    };
  },
};

createApp(Timer, { chatId: "chat-1" }).mount("#app");
