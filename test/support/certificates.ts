import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { issueAuthority, issueLeaf } from "../../images/agent/certificates/issue.ts";

/** A certificate of an authority that no machine knows, in files. */
interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
  /** The authority's certificate. */
  readonly authority: string;
}

/** A folder with certificates of people's own. */
export class CertificateFolder {
  readonly path = mkdtempSync(join(tmpdir(), "redfleet-certificates-"));

  /** Issues one for some names by a new authority; the files are called after `name`. */
  async issue(name: string, hosts: string[]): Promise<CertificateFiles> {
    const authority = await issueAuthority(name, hosts.map(bare), new Date());
    const leaf = await issueLeaf(authority, { hosts, days: 30 }, new Date());
    return {
      certificate: this.write(`${name}.crt`, leaf.certificate),
      key: this.write(`${name}.key`, leaf.key),
      authority: this.write(`${name}-authority.crt`, authority.certificate),
    };
  }

  /** Writes a file; its path. */
  write(name: string, content: string): string {
    const file = join(this.path, name);
    writeFileSync(file, content);
    return file;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The name that an authority must be allowed for a certificate of a host, or of all below it. */
const bare = (host: string): string => host.replace(/^\*\./, "");
