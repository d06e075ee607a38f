import type { JobRecord } from '../../src/jobs/job-record.ts';
import type { PublishServiceDefinitionResult } from '../../src/jobs/publish-service-definition/schema.ts';
import type {
  SimulatedSite,
  SimulatedSiteOptions,
} from '../../src/simulated-site/simulated-site.ts';
import { type Gateway, type GatewayOptions, testTiming } from './gateway.ts';
import { test as base } from './publishing-test.ts';

/** A site and a gateway for it that publish in no time, for tests of what many publishes lead to. */
type OpenQuick = (
  options?: Partial<SimulatedSiteOptions>,
  config?: {
    site?: Record<string, unknown>;
    settings?: Record<string, unknown>;
    hasWorker?: boolean;
    more?: GatewayOptions['sites'];
  },
) => Promise<{ site: SimulatedSite; gateway: Gateway }>;

const timing = { ...testTiming, pollMinMs: 40, pollMaxMs: 100, listedWithinMs: 1_500 };

export const test = base.extend<{ quick: OpenQuick }>({
  quick: async ({ openSite, open }, use) => {
    await use(async (options = {}, { settings, more, ...config } = {}) => {
      const quickly = { publishMs: 40, startMs: 10, politePollMs: 30 };
      const site = await openSite({ ...quickly, ...options });
      const gateway = await open(site, {
        ...config,
        settings: { timing, ...settings },
        ...(more && { sites: { demo: addressOf(site), ...more } }),
      });
      return { site, gateway };
    });
  },
});

function addressOf({ url, username, password }: SimulatedSite) {
  return { url, username, password };
}

export const roads = { folder: 'Transport', name: 'Roads', type: 'MapServer' };
export const replacing = { site: 'demo', folder: 'Transport', ifExists: 'replace' };

/** Publishes and waits for the end. */
export async function published(
  gateway: Gateway,
  definition: string,
  inputs: Record<string, string> = replacing,
): Promise<JobRecord> {
  const { response, body } = await gateway.publish(definition, inputs);
  if (response.status !== 201) throw new Error(JSON.stringify(body));
  return gateway.ended(body.jobID);
}

/** Executes a process with JSON and waits for the end. */
export async function executed(
  gateway: Gateway,
  process: string,
  inputs: Record<string, unknown>,
): Promise<JobRecord> {
  const response = await fetch(`${gateway.url}/v1/processes/${process}/execution`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs }),
  });
  const body = (await response.json()) as { jobID: string };
  if (response.status !== 201) throw new Error(JSON.stringify(body));
  return gateway.ended(body.jobID);
}

export function outcomeOf(job: JobRecord): string | undefined {
  return (job.results as PublishServiceDefinitionResult | undefined)?.outcome;
}

/** Names of the requests that change something on the site. */
export function changesOn(site: SimulatedSite): string[] {
  return site.control
    .requests()
    .map(({ operation }) => operation)
    .filter((operation) => /^(upload$|submit|create|edit|start$|stop$|delete)/.test(operation));
}
