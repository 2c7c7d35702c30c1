/**
 * Loaded into a program before all else: errors are formatted without colours. The SDK's source maps name files
 * directly below a scope (`node_modules/@pulumi/resource.ts`), on which Node's colouring of module names loops
 * until memory for the text runs out, some half a minute later.
 */
const util = require("node:util");

const { inspect } = util;
util.inspect = Object.assign((value, options, ...rest) => {
  const plain =
    typeof options === "object" && util.types.isNativeError(value) ? { ...options, colors: false } : options;
  return inspect(value, plain, ...rest);
}, inspect);

// The SDK takes a stack of every promise and has it mapped to sources: a tenth of a run. tsx has Node map what is shown.
const Module = require("node:module");
const load = Module._load;
Module._load = function (request, ...rest) {
  return request === "source-map-support/register" ? {} : load.call(this, request, ...rest);
};
