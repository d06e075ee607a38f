import { analyzeGeoprocessingJob } from './analyze-geoprocessing/job-type.ts';
import { analyzeImageJob } from './analyze-image/job-type.ts';
import { analyzeMapJob } from './analyze-map/job-type.ts';
import { checkMapJob } from './check-map/job-type.ts';
import { compareDocumentsJob } from './compare-documents/job-type.ts';
import { createGeocodeServiceDefinitionJob } from './create-geocode-service-definition/job-type.ts';
import { createGeoprocessingServiceDefinitionJob } from './create-geoprocessing-service-definition/job-type.ts';
import { createImageServiceJob } from './create-image-service/job-type.ts';
import { createImageServiceDefinitionJob } from './create-image-service-definition/job-type.ts';
import { createMapServiceDefinitionJob } from './create-map-service-definition/job-type.ts';
import { deleteServicesJob } from './delete-services/job-type.ts';
import { echoJob } from './echo/job-type.ts';
import { editMapJob } from './edit-map/job-type.ts';
import { editServiceDefinitionDraftJob } from './edit-service-definition-draft/job-type.ts';
import { editServicesJob } from './edit-services/job-type.ts';
import { importCurrentDefinitionJob } from './import-current-definition/job-type.ts';
import { inspectDocumentJob } from './inspect-document/job-type.ts';
import type { JobType } from './job-type.ts';
import { publishFolderJob } from './publish-folder/job-type.ts';
import { publishGeocodeJob } from './publish-geocode/job-type.ts';
import { publishGeoprocessingJob } from './publish-geoprocessing/job-type.ts';
import { publishImageJob } from './publish-image/job-type.ts';
import { publishMapJob } from './publish-map/job-type.ts';
import { publishMapsJob } from './publish-maps/job-type.ts';
import { publishPlanJob } from './publish-plan/job-type.ts';
import { publishServiceDefinitionJob } from './publish-service-definition/job-type.ts';
import { registerDataStoreJob } from './register-data-store/job-type.ts';
import { registerDatabaseJob } from './register-database/job-type.ts';
import { registerFolderJob } from './register-folder/job-type.ts';
import { restartServicesJob } from './restart-services/job-type.ts';
import { rollbackServiceJob } from './rollback-service/job-type.ts';
import { rotateDataStorePasswordJob } from './rotate-data-store-password/job-type.ts';
import { runToolJob } from './run-tool/job-type.ts';
import { setServicePermissionsJob } from './set-service-permissions/job-type.ts';
import { startServicesJob } from './start-services/job-type.ts';
import { stopServicesJob } from './stop-services/job-type.ts';
import { unregisterDataStoreJob } from './unregister-data-store/job-type.ts';
import { updateDataStoreJob } from './update-data-store/job-type.ts';
import { validateDataStoresJob } from './validate-data-stores/job-type.ts';

/** Every job type the gateway knows. Routes, OGC processes, worker, OpenAPI and tests come of it. */
export const jobTypes: readonly JobType[] = [
  publishServiceDefinitionJob,
  publishPlanJob,
  publishFolderJob,
  rollbackServiceJob,
  importCurrentDefinitionJob,
  registerFolderJob,
  registerDatabaseJob,
  registerDataStoreJob,
  validateDataStoresJob,
  updateDataStoreJob,
  unregisterDataStoreJob,
  rotateDataStorePasswordJob,
  startServicesJob,
  stopServicesJob,
  restartServicesJob,
  editServicesJob,
  deleteServicesJob,
  setServicePermissionsJob,
  createImageServiceJob,
  inspectDocumentJob,
  editMapJob,
  editServiceDefinitionDraftJob,
  checkMapJob,
  compareDocumentsJob,
  analyzeMapJob,
  createMapServiceDefinitionJob,
  runToolJob,
  publishGeocodeJob,
  publishGeoprocessingJob,
  publishImageJob,
  publishMapJob,
  publishMapsJob,
  createGeocodeServiceDefinitionJob,
  analyzeGeoprocessingJob,
  createGeoprocessingServiceDefinitionJob,
  analyzeImageJob,
  createImageServiceDefinitionJob,
];

/** What a deployment offers: `echo` is for conformance tests and off unless it is asked for. */
export function offeredJobTypes(options: { conformanceEcho: boolean }): readonly JobType[] {
  return options.conformanceEcho ? [...jobTypes, echoJob] : jobTypes;
}
