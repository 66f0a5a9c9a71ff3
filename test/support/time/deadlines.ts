/** Deadlines that pass when a test says so. None passes by itself, however busy the machine is. */
export const createDeadlines = () => {
  const running = new Set<AbortController>();
  let created = 0;
  return {
    create: (): AbortSignal => {
      const deadline = new AbortController();
      running.add(deadline);
      created += 1;
      return deadline.signal;
    },
    /** Deadlines that were set so far. */
    created: () => created,
    /** Lets every deadline pass that was set so far. */
    pass(): void {
      const passed = [...running];
      running.clear();
      for (const deadline of passed) deadline.abort(new DOMException('The deadline has passed.', 'TimeoutError'));
    },
  };
};

export type Deadlines = ReturnType<typeof createDeadlines>;
