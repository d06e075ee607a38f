import type { JobChange } from '../jobs/job-change.ts';
import { JobLog } from '../jobs/job-log.ts';
import type { JobRecord, StepRecord } from '../jobs/job-record.ts';
import type { JobRecords } from '../jobs/job-records.ts';
import type { StepPlace } from '../jobs/step.ts';
import { SecretMask } from '../lib/secret-mask.ts';
import type { Attempt } from './attempt.ts';

/** What one attempt writes of its job: the record and the log. All of it is masked: a site may repeat what it was sent. */
export class AttemptJournal {
  readonly #records: JobRecords;
  readonly #attempt: Attempt;
  readonly #steps: Map<string, StepRecord>;
  readonly #warnings: string[];
  #lastProgress = '';
  readonly mask = new SecretMask();

  constructor(records: JobRecords, { warnings, steps }: JobRecord, attempt: Attempt) {
    this.#records = records;
    this.#attempt = attempt;
    this.#warnings = [...warnings];
    this.#steps = new Map(steps.map((step) => [step.name, step]));
  }

  get steps(): StepRecord[] {
    return [...this.#steps.values()];
  }

  get warnings(): string[] {
    return [...this.#warnings];
  }

  /** @throws AttemptStopped `lost` when a later attempt exists */
  async write(kind: string, change: JobChange): Promise<void> {
    if (change.stepRecord) this.#steps.set(change.stepRecord.name, change.stepRecord);
    await this.#attempt.write(kind, this.#masked(change));
  }

  jobLog(step?: string): JobLog {
    const { jobId, number } = this.#attempt;
    return new JobLog(this.#records, jobId, { attempt: number, step }, (text) =>
      this.mask.inText(text),
    );
  }

  async warn(text: string): Promise<void> {
    if (this.#warnings.includes(text)) return;
    this.#warnings.push(text);
    await this.write('warning', { warnings: this.#warnings });
    await this.jobLog().warning(text);
  }

  async tellProgress(
    { share: [from, to] }: StepPlace,
    fraction: number,
    message: string,
  ): Promise<void> {
    const progress = Math.min(
      99,
      Math.floor(from + (to - from) * Math.min(1, Math.max(0, fraction))),
    );
    const told = `${progress} ${message}`;
    if (told === this.#lastProgress) return;
    this.#lastProgress = told;
    await this.write('progress', { progress, message });
  }

  resultOf(step: string): unknown {
    return this.#steps.get(step)?.result;
  }

  currentStep(): string | undefined {
    return this.steps.findLast((step) => step.state === 'begun')?.name;
  }

  stepSeconds(): Record<string, number> {
    return Object.fromEntries(
      this.steps.flatMap(({ name, startedMs, finishedMs }) =>
        finishedMs === undefined ? [] : [[name, (finishedMs - startedMs) / 1000]],
      ),
    );
  }

  #masked({ stepRecord, results, secrets, locks, exception, ...texts }: JobChange): JobChange {
    if (this.mask.isEmpty)
      return { ...texts, ...defined({ stepRecord, results, secrets, locks, exception }) };
    const { code, type, status } = exception ?? {};
    return {
      ...this.mask.inTexts(texts),
      ...defined({
        stepRecord: this.mask.inData(stepRecord),
        results: this.mask.inData(results),
        secrets,
        locks,
        exception: exception && {
          ...this.mask.inTexts(exception),
          ...defined({ code, type, status }),
        },
      }),
    } as JobChange;
  }
}

function defined<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as never;
}
