/** Something that is read from elsewhere each time somebody asks for metrics. */
export type ScrapedReading = {
  /** Reads, and hands back what writes the values; nothing is written when it comes too late. */
  read: () => Promise<() => void>;
  /** When it failed or was late: what was read before must not pass for the present. */
  forget: () => void;
};

/** Longer than this no scrape waits: better some numbers than none. */
const deadlineMs = 1_000;

/** Reads all of it side by side. A reading that hangs is waited for again, not begun a second time. */
export class Scrape {
  readonly #readings: { reading: ScrapedReading; underWay?: Promise<() => void> | undefined }[] =
    [];

  add(reading: ScrapedReading): void {
    this.#readings.push({ reading });
  }

  /** Never fails, and takes a second at the most. */
  async refresh(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), deadlineMs);
    });
    await Promise.all(
      this.#readings.map(async (entry) => {
        entry.underWay ??= begin(entry.reading).finally(() => {
          entry.underWay = undefined;
        });
        const write = await Promise.race([entry.underWay.catch(() => undefined), late]);
        entry.reading.forget();
        write?.();
      }),
    );
    clearTimeout(timer);
  }
}

/** A reading that throws at once fails like one that throws later. */
async function begin({ read }: ScrapedReading): Promise<() => void> {
  return read();
}
