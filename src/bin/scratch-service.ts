import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DocumentReader } from '../documents/document-reader.ts';
import type { ServiceDefinitionContent } from '../documents/service-definition.ts';
import { composeSettings } from '../jobs/publish-service-definition/service-settings.ts';
import { RequestError } from '../lib/errors.ts';
import { pause } from '../lib/wait.ts';
import {
  cancelSiteJob,
  findSiteJobsOfItem,
  readSiteJob,
  submitPublishing,
} from '../sites/publishing.ts';
import { deleteService } from '../sites/service-changes.ts';
import { type ServiceTarget, toText } from '../sites/service-target.ts';
import { findService, readLifecycle, readService, readServiceStatus } from '../sites/services.ts';
import { OutcomeUnknownError } from '../sites/site-errors.ts';
import type { SiteJob } from '../sites/site-job.ts';
import { type PublishingTools, readPublishingTools } from '../sites/site-reader.ts';
import type { Site } from '../sites/sites.ts';
import {
  deleteUploadItem,
  findUploadItems,
  readServiceConfiguration,
  uploadFile,
} from '../sites/upload-items.ts';
import { fail, ok, type Verdict, warn } from './finding.ts';

export type Proof = {
  /** A definition that the site can publish. */
  definition: string;
  documents: DocumentReader;
  /** For a changed copy. */
  folder: string;
  signal: AbortSignal;
};

const lookEveryMs = 1_000;
const cleanUpMs = 120_000;

/**
 * Chooses a name for a scratch service. Nothing is changed on the site yet.
 *
 * @throws GatewayError, also when a service of the definition's own name is there: it could be hit
 */
export async function prepareScratchService(site: Site, proof: Proof): Promise<ScratchService> {
  const { documents, definition, signal } = proof;
  const content = await documents.readServiceDefinition(definition, { signal });
  const { folder, serviceName, type } = content;
  const own = { folder, serviceName, type };
  if (await findService(site, own, { signal })) {
    throw new RequestError(
      'service_exists',
      `${toText(own)} exists on ${site.name}. Take a definition whose own name is free there: a site that passed over our scratch name would replace that service.`,
    );
  }
  const tools = await readPublishingTools(site, { signal });
  const name = `pressroom_proof_${randomBytes(4).toString('hex')}`;
  const scratch = { folder: '', serviceName: name, type };
  return new ScratchService(site, { ...proof, content, tools, scratch, own });
}

type Plan = Proof & {
  content: ServiceDefinitionContent;
  tools: PublishingTools;
  /** What it is to be called, and what the definition calls itself. */
  scratch: ServiceTarget;
  own: ServiceTarget;
};

type Picture = { description: unknown; lastModifiedMs: number | undefined; state: string };

/** A service that nobody uses, and everything that comes with it. */
export class ScratchService {
  readonly #site: Site;
  readonly #plan: Plan;
  readonly #mark = `pressroom-proof:${randomBytes(6).toString('hex')}`;
  readonly #published: ServiceTarget[];
  #siteJob: SiteJob | undefined;
  #before: Picture | undefined;

  constructor(site: Site, plan: Plan) {
    this.#site = site;
    this.#plan = plan;
    this.#published = [plan.scratch]; // nobody else's: the name is random
  }

  async publishFirst(): Promise<Verdict> {
    const job = await this.#publish(this.#plan.definition, 'first');
    if (!job.isSucceeded)
      return fail(
        `The site could not publish the definition at all. ${inWords(job)}`,
        'Give one that it can publish, with --definition.',
      );
    const { scratch, own, signal } = this.#plan;
    if (!(await findService(this.#site, scratch, { signal }))) {
      if (!(await findService(this.#site, own, { signal }))) {
        return fail(`The site reported success, and nothing is there. ${inWords(job)}`);
      }
      this.#published.push(own);
      return fail(`The site published it as ${toText(own)}: name and folder were not taken.`);
    }
    this.#before = await this.#look();
    return ok(`${toText(scratch)} is ${this.#before.state}`);
  }

  async publishSecond(method: 'manifest' | 'overwrite'): Promise<[string, Verdict][]> {
    const { definition, documents, folder, content, signal } = this.#plan;
    const isRewritten = method === 'manifest' && content.publishType === 'New';
    const copy = join(folder, 'replacement.sd');
    if (isRewritten) await documents.rewriteAsReplacement(definition, copy, { signal });
    const check = `replacing by ${method}`;
    const job = await this.#publish(isRewritten ? copy : definition, 'second');
    const other = method === 'manifest' ? 'overwrite' : 'manifest';
    if (!job.isSucceeded) {
      return [
        [
          check,
          fail(
            `The site refused it. ${inWords(job)}`,
            `Try replaceMethod: ${other}, or set it to refuse.`,
          ),
        ],
      ];
    }
    const after = await this.#look();
    const isChanged = after.description !== this.#before?.description;
    const isNewer =
      (after.lastModifiedMs ?? 0) > (this.#before?.lastModifiedMs ?? Number.POSITIVE_INFINITY);
    if (!isChanged && !isNewer) {
      return [
        [
          check,
          fail(
            'The site reported success and changed nothing.',
            `Try replaceMethod: ${other}, or set it to refuse.`,
          ),
        ],
      ];
    }
    return [
      [
        check,
        ok(
          `This site accepts it: ${isNewer ? 'the service is newer' : 'no later time of change is told'}.`,
        ),
      ],
      [
        'settings',
        isChanged
          ? ok('in_config_overwrite is taken when replacing')
          : warn(
              'The settings sent along were not taken when replacing.',
              'Results of replacing list settings that this site may not have kept.',
            ),
      ],
      [
        'state',
        after.state === this.#before?.state
          ? ok(`${after.state}, as before`)
          : warn(`${after.state}; before it was ${this.#before?.state}.`),
      ],
    ];
  }

  /** With patience of its own: it also runs after Ctrl-C. */
  async remove(): Promise<Verdict> {
    const signal = AbortSignal.timeout(cleanUpMs);
    await this.#endSiteJob(signal);
    for (const target of this.#published) {
      const found = await findService(this.#site, target, { signal });
      if (found) await deleteService(this.#site, found, { signal });
    }
    for (const { itemId } of await findUploadItems(this.#site, this.#mark, { signal })) {
      await deleteUploadItem(this.#site, itemId, { signal });
    }
    const { own } = this.#plan;
    if (await findService(this.#site, own, { signal })) {
      return warn(
        `${toText(own)} is there now and was not before.`,
        'Remove it if it came of this proof.',
      );
    }
    return ok('Nothing of the proof is left on the site.');
  }

  async #endSiteJob(signal: AbortSignal): Promise<void> {
    if (!this.#siteJob || this.#siteJob.isFinal) return;
    await cancelSiteJob(this.#site, this.#siteJob, { signal });
    await this.#untilFinal(this.#siteJob, signal);
  }

  async #publish(file: string, description: string): Promise<SiteJob> {
    const { signal } = this.#plan;
    const target = this.#plan.scratch;
    const { itemId } = await uploadFile(
      this.#site,
      {
        open: () => createReadStream(file, { highWaterMark: 1 << 20 }),
        fileName: `${target.serviceName}.sd`,
        sizeBytes: (await stat(file)).size,
        description: this.#mark,
      },
      { signal },
    );
    const own = await readServiceConfiguration(this.#site, itemId, { signal });
    const overrides = { description: `Pressroom's proof, ${description} publish` };
    const { document } = composeSettings(own, target, { keep: [], overrides }, undefined);
    this.#siteJob = await this.#submit(itemId, document);
    return this.#untilFinal(this.#siteJob, signal);
  }

  /** Told once: when the answer is lost, the site's own list says whether it was heard. */
  async #submit(itemId: string, serviceConfiguration: Record<string, unknown>): Promise<SiteJob> {
    const { signal } = this.#plan;
    try {
      const tools = this.#plan.tools.name;
      return await submitPublishing(
        this.#site,
        tools,
        { itemId, serviceConfiguration },
        { signal },
      );
    } catch (error) {
      if (!(error instanceof OutcomeUnknownError)) throw error;
      const search = await findSiteJobsOfItem(this.#site, itemId, { signal });
      const [found] = search.kind === 'found' ? search.siteJobs : [];
      if (!found) throw error;
      return found;
    }
  }

  async #untilFinal(job: SiteJob, signal: AbortSignal): Promise<SiteJob> {
    const patience = AbortSignal.any([
      signal,
      AbortSignal.timeout(this.#site.config.jobTimeoutSeconds * 1000),
    ]);
    for (;;) {
      this.#siteJob = await readSiteJob(this.#site, job, { signal: patience });
      if (this.#siteJob.isFinal) return this.#siteJob;
      await pause(lookEveryMs, patience);
    }
  }

  async #look(): Promise<Picture> {
    const { signal } = this.#plan;
    const target = this.#plan.scratch;
    const { description } = await readService(this.#site, target, { signal });
    const { lastModifiedMs } = await readLifecycle(this.#site, target, { signal });
    const { realTimeState } = await readServiceStatus(this.#site, target, { signal });
    return { description, lastModifiedMs, state: realTimeState };
  }
}

function inWords({ status, messages }: SiteJob): string {
  const errors = messages.filter(({ type }) => type === 'error').map(({ text }) => text);
  return [
    `Its job ended as ${status}.`,
    ...(errors.length > 0 ? ['It says:', errors.join(' ')] : []),
  ].join(' ');
}
