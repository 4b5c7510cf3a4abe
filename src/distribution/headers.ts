/** Header names of distribution-spec 1.1 and of registry:2, in the lower case that Node uses. */
export const headers = {
  apiVersion: 'docker-distribution-api-version',
  contentDigest: 'docker-content-digest',
  uploadUuid: 'docker-upload-uuid',
  chunkMinLength: 'oci-chunk-min-length',
  filtersApplied: 'oci-filters-applied',
  subject: 'oci-subject',
  tag: 'oci-tag',
} as const;
