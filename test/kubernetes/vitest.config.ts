import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: new URL("../..", import.meta.url).pathname,
    include: ["test/kubernetes/*.test.ts"],
    globalSetup: ["test/kubernetes/setup.ts"],
    // Each file has namespaces of its own, and waits for pods most of its time: two at once, on two cores as well.
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 900_000,
    reporters: ["verbose"],
  },
});
