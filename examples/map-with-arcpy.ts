/**
 * Analyzes a map, saves its service definition, points it at production and publishes it:
 *
 *   npx tsx examples/map-with-arcpy.ts http://127.0.0.1:8080 demo roads.mapx roads.sd
 */
import { createPressroomClient } from '../src/client/pressroom-client.ts'; // elsewhere: 'pressroom/client'

const [baseUrl = '', site = '', source = '', target = ''] = process.argv.slice(2);
const pressroom = createPressroomClient({ baseUrl }); // apiKey, where there are keys

async function finish(jobID: string): Promise<string> {
  const ended = await pressroom.waitForJob(jobID);
  if (ended.status !== 'successful') throw new Error(ended.exception?.detail ?? ended.message);
  return jobID;
}

const { id } = await pressroom.uploadFile(source);
const document = { href: `/v1/uploads/${id}` };

type Findings = { findings: { code: string; layer?: string; meaning: string; fix: string }[] };
const analysis = await pressroom.execute('analyze-map', { document, site });
const { findings } = await pressroom.readResults<Findings>(await finish(analysis.jobID));
for (const { code, layer, meaning, fix } of findings)
  console.log(`${code} ${layer ?? ''}: ${meaning}. ${fix}.`);

const made = await pressroom.execute('create-map-service-definition', {
  ...{ document, site, serviceName: 'Roads', folder: 'Transport' },
  edits: { instances: { max: 4 } },
});
await pressroom.saveArtifact(await finish(made.jobID), target);

const published = await pressroom.execute('publish-map', {
  ...{ document, site, serviceName: 'Roads', folder: 'Transport', ifExists: 'replace' },
  edit: {
    changeSources: [
      { from: { wildcard: '\\\\test\\gis\\*' }, to: { path: '\\\\files\\gis\\{1}' } },
    ],
  },
  registerData: true, // the folder of the data, if the site has not registered it
});
type Published = { services: { published: { service: { restUrl: string } } }[] };
const { services } = await pressroom.readResults<Published>(await finish(published.jobID));
for (const { published: it } of services) console.log(it.service.restUrl);
