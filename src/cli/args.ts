import { usage } from './faults';

const whole = /^(0|[1-9][0-9]{0,15})$/;

/** What a command was given: arguments by place, options by their long name in camel case, as commander gives them. */
export class Args {
  constructor(
    private readonly places: readonly string[],
    private readonly options: Readonly<Record<string, unknown>>,
  ) {}

  /** These options, some changed, with other arguments: for a command that is made of others. */
  with(places: readonly string[], changed: Readonly<Record<string, unknown>>): Args {
    return new Args(places, { ...this.options, ...changed });
  }

  /** The same arguments, one option changed. */
  but(name: string, value: string): Args {
    return new Args(this.places, { ...this.options, [name]: value });
  }

  /** An argument that commander has made sure of. */
  at(place: number): string {
    return this.places[place] ?? '';
  }

  maybeAt(place: number): string | undefined {
    return this.places[place];
  }

  /** All arguments from a place on. */
  from(place: number): readonly string[] {
    return this.places.slice(place);
  }

  has(name: string): boolean {
    return this.options[name] === true;
  }

  /** False only for a `--no-<name>` flag that was given. */
  allows(name: string): boolean {
    return this.options[name] !== false;
  }

  text(name: string): string | undefined {
    const value = this.options[name];
    return typeof value === 'string' ? value : undefined;
  }

  need(name: string): string {
    return this.text(name) ?? usage(`option --${dashed(name)} is needed`);
  }

  list(name: string): readonly string[] {
    const value = this.options[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  whole(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!whole.test(text) || !Number.isSafeInteger(value)) {
      return usage(`--${dashed(name)}: expected a whole number from 0, got ${JSON.stringify(text)}`);
    }
    return value;
  }

  number(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value) || value < 0) {
      return usage(`--${dashed(name)}: expected a number from 0, got ${JSON.stringify(text)}`);
    }
    return value;
  }
}

const dashed = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
