// Calls the service with the stock SDK of JavaScript, as told on standard input: one JSON document
// a line, as boto3_driver.py does. It knows the service's address and key by variables alone.
"use strict";

const readline = require("node:readline");
const nimble = require("@aws-sdk/client-nimble");
const { version } = require("@aws-sdk/client-nimble/package.json");

// Orders name operations as Python does: list_studios is ListStudiosCommand.
const known = new Map(Object.keys(nimble).map((name) => [name.toLowerCase(), nimble[name]]));
const named = (before, name, after = "") => {
  const found = known.get(`${before}${name.replaceAll("_", "")}${after}`.toLowerCase());
  if (found === undefined) throw new Error(`the SDK has no ${before} ${name} ${after}`);
  return found;
};

const client = new nimble.NimbleClient({ maxAttempts: 1 });

async function answerOf({ do: what, name, arguments: input, tries }) {
  switch (what) {
    case "version":
      return version;
    case "call": {
      const { $metadata, ...answer } = await client.send(new (named("", name, "Command"))(input));
      return { ...answer, ResponseMetadata: responseOf($metadata) };
    }
    case "paginate": {
      const { PaginationConfig: { PageSize: pageSize } = {}, ...rest } = input;
      const pages = [];
      for await (const page of named("paginate", name)({ client, pageSize }, rest)) pages.push(page);
      return pages;
    }
    case "wait": {
      // A second is the shortest that it takes.
      const patience = { maxWaitTime: Math.max(2, tries * 0.05), minDelay: 1, maxDelay: 1 };
      await named("waitUntil", name)({ client, ...patience }, input);
      return null;
    }
    default:
      throw new Error(`unknown order ${what}`);
  }
}

const responseOf = (metadata) => ({
  HTTPStatusCode: metadata.httpStatusCode,
  RequestId: metadata.requestId,
});

async function obey(order) {
  try {
    return { answer: await answerOf(order) };
  } catch (error) {
    if (error.$metadata?.httpStatusCode === undefined) {
      return { failure: `${error.name}: ${error.message}` };
    }
    const { name, message, code, context } = error;
    const isModelled = error instanceof nimble.NimbleServiceException && name in nimble;
    return {
      error: {
        class: isModelled ? error.constructor.name : "NimbleServiceException",
        Error: { Code: name, Message: message },
        ResponseMetadata: responseOf(error.$metadata),
        ...(code && { code }),
        ...(context && { context }),
      },
    };
  }
}

// JSON has no moments; a Date writes itself as text before a replacer sees it, so look at its holder.
function plain(key, value) {
  return this[key] instanceof Date ? { moment: this[key].toISOString() } : value;
}

(async () => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await obey(JSON.parse(line)), plain)}\n`);
  }
})();
