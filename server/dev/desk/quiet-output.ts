/** What a page asks again and again, and the files that it is made of: a terminal full of them tells nothing. */
const isNoise = (line: string) => /"path":"\/(dev\/|assets\/|")/.test(line) && line.includes('"msg":"request"');

/** A log's destination that leaves out the requests of the demo page that are none of the service's own. */
export const createQuietOutput = (write: (line: string) => void) => ({
  write(line: string): void {
    if (!isNoise(line)) write(line);
  },
});
