/**
 * Every error that hawser raises has a code from this table. Codes of the OCI distribution specification 1.1 (section
 * "Error Codes") keep their names. `docs/errors.md` is generated from the table (`npm run docs:errors`); a test keeps
 * both equal. `exit` is the exit code of a command that ends with the error (1 where it is left out).
 */
interface ErrorCodeEntry {
  /** One sentence: what went wrong, in general. */
  readonly summary: string;
  /** One sentence: what the user does about it. */
  readonly remedy: string;
  readonly exit?: number;
}

export const errorCodes = {
  // general
  ABORTED: { summary: 'The operation was cancelled.', remedy: 'Run it again.', exit: 130 },
  INTERNAL: { summary: 'A rule inside hawser was broken.', remedy: 'Report it with HAWSER_DEBUG=1 output.' },
  INVALID_ARGUMENT: { summary: 'A value on the command line is wrong.', remedy: 'See --help.', exit: 2 },
  NOT_FOUND: { summary: 'The named thing does not exist.', remedy: 'List what there is with ls or ps.' },
  ALREADY_EXISTS: { summary: 'The name is taken.', remedy: 'Choose another name or remove the other first.' },
  CONFLICT: {
    summary: 'The thing is in a state that does not allow this.',
    remedy: 'Change its state first.',
  },
  LOCK_TIMEOUT: {
    summary: 'Another hawser process kept a lock for too long.',
    remedy: 'Wait for it or stop it.',
  },
  NO_SPACE: { summary: 'The disk is full.', remedy: 'Free space, e.g. with hawser system prune.' },
  PERMISSION_DENIED: {
    summary: 'The system refused an operation.',
    remedy: 'Run as root, or see hawser system doctor.',
  },
  NAMESPACE_REFUSED: {
    summary: 'The kernel grants a plain user no user namespace, without which no image is built.',
    remedy: 'Run as root, or allow user namespaces: docs/rootless.md.',
  },
  REQUIREMENT_MISSING: {
    summary: 'A program that is needed is not installed.',
    remedy: 'Install the named package.',
  },
  UNSUPPORTED: { summary: 'This cannot be done here.', remedy: 'The message names what can.' },
  ADDRESS_IN_USE: {
    summary: 'The address or port is taken by another process.',
    remedy: 'Stop it or choose another port.',
  },

  // images: digests, references, documents
  DIGEST_INVALID: {
    summary: 'A digest is malformed, or does not match its content.',
    remedy: 'Use algorithm:hex.',
  },
  REFERENCE_INVALID: {
    summary: 'An image reference is malformed.',
    remedy: 'Use [HOST[:PORT]/]NAME[:TAG][@DIGEST].',
  },
  PLATFORM_INVALID: { summary: 'A platform is malformed or unknown.', remedy: 'Use os/arch[/variant].' },
  PLATFORM_UNAVAILABLE: {
    summary: 'The image has no variant for the platform.',
    remedy: 'Pick one of those it has.',
  },
  MANIFEST_INVALID: {
    summary: 'A manifest, index or config has a wrong field.',
    remedy: 'Rebuild or push it again.',
  },
  SIZE_INVALID: {
    summary: 'Content is longer or shorter than announced, or over a limit.',
    remedy: 'Fetch it again.',
  },
  BLOB_UNKNOWN: { summary: 'A blob is not there.', remedy: 'Push or pull the image again.' },
  IMAGE_UNKNOWN: { summary: 'No such image in the local store.', remedy: 'Pull or build it.' },
  STORE_CORRUPT: { summary: 'The image store has a broken file.', remedy: 'Run hawser system fsck.' },

  // archives and layers
  TAR_INVALID: { summary: 'A tar archive is malformed.', remedy: 'Make the archive again.' },
  LAYER_ENTRY_INVALID: {
    summary: 'A layer entry is refused: it would leave the root.',
    remedy: 'Do not use this image.',
  },
  LAYER_INVALID: { summary: 'A layer is broken or over a limit.', remedy: 'Fetch it again.' },
  COMPRESSION_INVALID: {
    summary: 'Compressed data is broken or of an unknown kind.',
    remedy: 'Fetch it again.',
  },
  MOUNT_FAILED: {
    summary: 'A file system could not be mounted.',
    remedy: 'Use --isolation chroot, or run as root.',
  },
  SNAPSHOT_UNKNOWN: { summary: 'A snapshot is not there.', remedy: 'Run the command again.' },

  // registry protocol
  BLOB_UPLOAD_INVALID: { summary: 'A blob upload is in a wrong state.', remedy: 'Start the upload again.' },
  BLOB_UPLOAD_UNKNOWN: {
    summary: 'The upload is not known to the registry.',
    remedy: 'Start the upload again.',
  },
  MANIFEST_BLOB_UNKNOWN: {
    summary: 'A manifest names a blob that the registry lacks.',
    remedy: 'Push the blob first.',
  },
  MANIFEST_UNKNOWN: { summary: 'The registry has no such tag or manifest.', remedy: 'Check name and tag.' },
  NAME_INVALID: { summary: 'A repository name is malformed.', remedy: 'Use lower case path components.' },
  NAME_UNKNOWN: { summary: 'The registry has no such repository.', remedy: 'Check the name.' },
  UNAUTHORIZED: { summary: 'The registry wants credentials.', remedy: 'Run hawser login HOST.' },
  DENIED: { summary: 'The registry refused access.', remedy: 'Log in as a user with the right.' },
  TOOMANYREQUESTS: { summary: 'The registry limits requests.', remedy: 'Wait, or log in.' },
  REGISTRY_UNREACHABLE: { summary: 'The registry does not answer.', remedy: 'Check host, port and network.' },
  REGISTRY_ERROR: { summary: 'The registry answered with an error.', remedy: 'See the message.' },
  RANGE_INVALID: {
    summary: 'A byte range cannot be satisfied.',
    remedy: 'Ask for a range inside the content.',
  },
  TAG_INVALID: { summary: 'A tag is malformed.', remedy: 'Use up to 128 of A-Z a-z 0-9 . _ -.' },
  PAGINATION_NUMBER_INVALID: { summary: 'The page size is not a number in range.', remedy: 'Use 1 to 1000.' },
  REGISTRY_CONFIG_INVALID: {
    summary: "The registry's configuration has a key that cannot be honoured.",
    remedy: 'Mend or remove the named key.',
    exit: 2,
  },
  UNAVAILABLE: { summary: 'The service cannot serve right now.', remedy: 'Try again later.' },

  // builds
  DOCKERFILE_INVALID: { summary: 'The Dockerfile has an error.', remedy: 'Mend the named line.' },
  DOCKERFILE_UNKNOWN: { summary: 'There is no Dockerfile.', remedy: 'Name it with -f.' },
  CONTEXT_INVALID: { summary: 'The build context cannot be read.', remedy: 'Name an existing folder.' },
  CHECK_FAILED: {
    summary: 'The checks found something, and that is to be an error.',
    remedy: 'Mend what is told, or skip the rule: # check=skip=RULE.',
  },
  COPY_SOURCE_UNKNOWN: {
    summary: 'COPY, ADD or a mount names a file that is not there.',
    remedy: 'Check path and .dockerignore.',
  },
  DOWNLOAD_FAILED: {
    summary: 'A URL or git repository that a build uses cannot be fetched.',
    remedy: 'Check the address and the network.',
  },
  BUILD_STEP_FAILED: { summary: 'A RUN step ended with an error.', remedy: 'See its output.' },
  SECRET_UNKNOWN: {
    summary: 'A RUN step needs a secret or an ssh agent that it does not get.',
    remedy: 'Give it with --secret or --ssh.',
  },
  ENTITLEMENT_MISSING: {
    summary: 'A RUN step asks for a right that the build does not have.',
    remedy: 'Grant it with --allow.',
  },
  STAGE_UNKNOWN: { summary: 'There is no such build stage.', remedy: 'Use a name that a FROM line gives.' },

  // containers
  CONTAINER_UNKNOWN: { summary: 'There is no such container.', remedy: 'See hawser ps -a.' },
  RUNTIME_FAILED: { summary: 'The OCI runtime failed.', remedy: 'See the message.', exit: 125 },
  COMMAND_NOT_EXECUTABLE: {
    summary: 'The command cannot be executed.',
    remedy: 'Check its mode.',
    exit: 126,
  },
  COMMAND_NOT_FOUND: {
    summary: 'The command is not in the image.',
    remedy: 'Check name and PATH.',
    exit: 127,
  },
  NETWORK_FAILED: {
    summary: 'A container network could not be set up.',
    remedy: 'Use --network host, or see the message.',
  },

  // pods
  OBJECT_INVALID: { summary: 'A Kubernetes object has a wrong field.', remedy: 'Mend the named field.' },
  API_UNREACHABLE: { summary: 'The pod API does not answer.', remedy: 'Run hawser cluster up.' },
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof errorCodes;

/** The exit code of a command that ends with `code`. */
export function exitCodeOf(code: ErrorCode): number {
  const entry: ErrorCodeEntry = errorCodes[code];
  return entry.exit ?? 1;
}
