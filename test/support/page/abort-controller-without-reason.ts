/** Code that defines `AbortController` as React Native has it: its signals know no reason. */
export const abortControllerWithoutReason = `
globalThis.AbortController = class {
  signal = {
    aborted: false,
    listeners: new Set(),
    addEventListener(_type, listener) { this.listeners.add(listener); },
    removeEventListener(_type, listener) { this.listeners.delete(listener); },
  };
  abort() {
    if (this.signal.aborted) return;
    this.signal.aborted = true;
    for (const listener of [...this.signal.listeners]) listener();
  }
};
`;
