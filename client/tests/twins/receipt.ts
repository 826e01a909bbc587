/**
 * Checks receipts for `tests/twins/test_receipt.py`: a list of documents as JSON in, a list of answers out. The answer to a
 * receipt is the list of its checks; the answer to any other document is why it is not a receipt.
 */

import { text } from "node:stream/consumers";
import { holds, NotAReceiptError, verify } from "../../src/receipt.ts";

const documents = JSON.parse(await text(process.stdin)) as unknown[];
const answers = documents.map((document) => {
  try {
    return verify(document).map((check) => ({ ...check, holds: holds(check) }));
  } catch (error) {
    if (error instanceof NotAReceiptError) return error.message;
    throw error;
  }
});
process.stdout.write(JSON.stringify(answers));
