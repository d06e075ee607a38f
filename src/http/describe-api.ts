import type { OpenAPIV3_1 } from 'openapi-types';
import type { JobType } from '../jobs/job-type.ts';
import { Config } from '../lib/config.ts';
import { createLog } from '../lib/log.ts';
import { tracingOff } from '../lib/tracing.ts';
import { createApp } from './app.ts';
import type { HttpDeps } from './http-deps.ts';

/** The OpenAPI document for these job types. Routes only say what they are: nothing is opened or asked. */
export async function describeApi(jobTypes: readonly JobType[]): Promise<OpenAPIV3_1.Document> {
  const { http, uploads: uploadsConfig } = Config.parse({});
  const enoughToDescribe: Pick<
    HttpDeps,
    'http' | 'uploadsConfig' | 'log' | 'jobTypes' | 'publicUrl' | 'tracing'
  > = {
    http,
    uploadsConfig,
    log: createLog({ level: 'silent' }),
    jobTypes,
    publicUrl: () => '',
    tracing: tracingOff,
  };
  const app = await createApp(enoughToDescribe as HttpDeps);
  const document = app.swagger() as OpenAPIV3_1.Document;
  await app.close();
  return document;
}
