import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { processFileIndex } from './process-files.ts';

/**
 * Vitest's order, behind the files that start processes. Those take long although they are small, and a fresh clone has no
 * durations: run last, one of them would keep one core waiting.
 */
export class ProcessesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- The sequencer's own method.
    const sorted = await super.sort(files);
    const first = sorted
      .filter(({ moduleId }) => processFileIndex(moduleId) !== -1)
      .toSorted((one, other) => processFileIndex(one.moduleId) - processFileIndex(other.moduleId));
    return [...first, ...sorted.filter((file) => !first.includes(file))];
  }
}
