/** Name, without suffix, of the units of one repository's job: repository 1 has the plain name. */
export function repositoryUnit(name: string, repository: number): string {
  return repository === 1 ? name : `${name}-repo${repository}`;
}
