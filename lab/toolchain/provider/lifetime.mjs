/** How often to look whether the engine is still there, in milliseconds. */
const EVERY = 1000;

/**
 * Ends this process once the process that started it is gone: an engine that was killed cannot stop its plugins.
 * @param {object} options
 * @param {() => void} options.onOrphan gives up what has not begun yet
 * @param {() => boolean} [options.isIdle] what is under way is let finish, so that no step on a host is cut short
 */
export function exitWithParent({ onOrphan, isIdle = () => true }) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    onOrphan();
    if (isIdle()) process.exit(0);
  }, EVERY);
  timer.unref();
}
