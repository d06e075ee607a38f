/**
 * Publishes one definition, then all in a ZIP, then those that a text file lists (`definition|folder|service name`):
 *
 *   npx tsx examples/publish-definitions.ts http://127.0.0.1:8080 demo roads.sd release.zip services.txt
 */
import { createPressroomClient } from '../src/client/pressroom-client.ts'; // elsewhere: 'pressroom/client'

const [baseUrl = '', site = '', ...files] = process.argv.slice(2);
const pressroom = createPressroomClient({ baseUrl }); // apiKey, where there are keys

async function finish(jobID: string): Promise<string> {
  const ended = await pressroom.waitForJob(jobID);
  if (ended.status !== 'successful') throw new Error(ended.exception?.detail ?? ended.message);
  return jobID;
}

const uploads = await Promise.all(files.map((file) => pressroom.uploadFile(file)));
const [one, all, list] = uploads.map(({ id }) => ({ href: `/v1/uploads/${id}` }));
if (!one || !all || !list) throw new Error('Three files are wanted.');

const single = await pressroom.execute('publish-service-definition', {
  ...{ site, serviceDefinition: one, ifExists: 'replace' },
});
type Published = { service: { restUrl: string } };
const { service } = await pressroom.readResults<Published>(await finish(single.jobID));
console.log(service.restUrl);

type Children = { children: { key: string; status: string }[] };
for (const source of [[all], [all, list]]) {
  const job = await pressroom.execute('publish-folder', { site, source, ifExists: 'replace' });
  const { children } = await pressroom.readResults<Children>(await finish(job.jobID));
  for (const { key, status } of children) console.log(`${key}: ${status}`);
}
