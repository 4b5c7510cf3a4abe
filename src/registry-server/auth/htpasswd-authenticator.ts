import { randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { hash as bcryptHash } from 'bcryptjs';
import { HawserError, messageOf, systemErrorCode } from '../../errors/hawser-error.ts';
import { writeFileAtomic } from '../../util/atomic-file.ts';
import type { Logger } from '../log/logger.ts';
import type { RegistryRequest } from '../registry-message.ts';
import { type Authenticator, type Grant, type Refusal, unlimitedGrant } from './authenticator.ts';
import { isBcryptHash, parseHtpasswd } from './htpasswd-file.ts';
import { PasswordCheck } from './password-check.ts';

const COST = 10;

/** Compared with where there is no user at all. */
const nobody = '$2b$10$UB9HRgNy2gQpGbNqeBqjvOQg0ZJ2eYh3GMJqQG5lEHhZFzBDkUKpe';

export interface HtpasswdOptions {
  readonly realm: string;
  /** A file of Apache's `htpasswd` with hashes of bcrypt. */
  readonly path: string;
  readonly logger: Logger;
}

/** The user and password of HTTP's Basic scheme: RFC 7617. */
function credentialsOf(request: RegistryRequest): { user: string; password: string } | undefined {
  const match = /^basic +([A-Za-z0-9+/]+=*) *$/i.exec(request.header('authorization') ?? '');
  const text = Buffer.from(match?.[1] ?? '', 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Lets in the users of a password file, which is read again when it changes; each may do everything. */
export class HtpasswdAuthenticator implements Authenticator {
  readonly #options: HtpasswdOptions;
  readonly #check = new PasswordCheck();
  #users: ReadonlyMap<string, string> = new Map();
  #version = '';

  private constructor(options: HtpasswdOptions) {
    this.#options = options;
  }

  /**
   * A file that is missing is made, with a user `docker` whose password the log tells, as registry:2 does it.
   *
   * @throws HawserError REGISTRY_CONFIG_INVALID
   */
  static async open(options: HtpasswdOptions): Promise<HtpasswdAuthenticator> {
    const authenticator = new HtpasswdAuthenticator(options);
    try {
      await authenticator.#reload();
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') {
        const problem = `auth.htpasswd.path: read ${options.path}: ${messageOf(error)}`;
        throw new HawserError('REGISTRY_CONFIG_INVALID', problem, {
          cause: error,
          remedy: 'Name a file that `hawser registry htpasswd` or `htpasswd -B` made.',
        });
      }
      await authenticator.#provision();
      await authenticator.#reload();
    }
    return authenticator;
  }

  async authenticate(request: RegistryRequest): Promise<Grant | Refusal> {
    const { realm, logger } = this.#options;
    const given = credentialsOf(request);
    if (given === undefined) return this.#refusal('authentication required', realm);
    try {
      await this.#reload();
    } catch (error) {
      // The file is being replaced, or gone: who was let in before still is.
      logger.log('error', `read ${this.#options.path}: ${messageOf(error)}`);
    }
    const hash = this.#users.get(given.user);
    // Somebody else's for an unknown user, so that the answer takes as long as for a wrong password.
    const [anybody = nobody] = this.#users.values();
    const isRight = await this.#check.matches(given.password, hash ?? anybody);
    if (isRight && hash !== undefined) return unlimitedGrant(given.user);
    return this.#refusal('wrong user or password', realm);
  }

  async close(): Promise<void> {
    await this.#check.close();
  }

  #refusal(message: string, realm: string): Refusal {
    return { challenge: { scheme: 'basic', parameters: { realm } }, message };
  }

  async #reload(): Promise<void> {
    const { path, logger } = this.#options;
    const { mtimeMs, ctimeMs, size, ino } = await stat(path);
    const version = [mtimeMs, ctimeMs, size, ino].join();
    if (version === this.#version) return;
    const entries = parseHtpasswd(await readFile(path, 'utf8'));
    for (const { user, hash, line } of entries) {
      if (isBcryptHash(hash)) continue;
      logger.log('warn', `${path}:${line}: ${user} cannot log in: the password is not hashed with bcrypt`);
    }
    this.#users = new Map(
      entries.filter(({ hash }) => isBcryptHash(hash)).map(({ user, hash }) => [user, hash]),
    );
    this.#version = version;
  }

  async #provision(): Promise<void> {
    const { path, logger } = this.#options;
    const password = randomBytes(24).toString('base64url');
    await writeFileAtomic(path, `docker:${await bcryptHash(password, COST)}\n`, { mode: 0o600 });
    logger.log('warn', `made ${path}, since it was missing: log in and change the password`, {
      user: 'docker',
      password,
    });
  }
}
