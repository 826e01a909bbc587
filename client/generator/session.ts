/**
 * Starts and stops a chat with a client that knows nothing but the generated types:
 *
 *     node session.ts ADDRESS TOKEN
 *
 * A test runs it against a service with the user alice, who has credit, and the advisor maya.
 */

import createClient from "openapi-fetch";
import type { paths } from "../src/core/generated.ts";

declare const process: { argv: string[]; stdout: { write(text: string): void } };

const [address, token] = process.argv.slice(2);
const client = createClient<paths>({
  baseUrl: address ?? "",
  headers: { Authorization: `Bearer ${token}` },
});

const started = await client.POST("/v1/chats", {
  body: { user_id: "alice", advisor_id: "maya", chat_id: "typed" },
});
if (started.error) throw new Error(`${started.error.code}: ${started.error.detail}`);
const { record, timer } = started.data;
process.stdout.write(`${record?.state} ${timer.running}\n`);

const stopped = await client.POST("/v1/chats/{chat_id}/stop", {
  params: { path: { chat_id: started.data.chat.id } },
});
if (stopped.error) throw new Error(`${stopped.error.code}: ${stopped.error.detail}`);
process.stdout.write(`${stopped.data.record?.state} ${stopped.data.timer.running}\n`);
