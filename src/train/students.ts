import type { LanguageModel, Scorer } from '../ports/languageModel';
import type { TensorRuntime } from '../ports/tensorRuntime';
import { DecodePrograms } from './decode/decodePrograms';
import { studentModel, type StudentSettings } from './student';

/** Students that answer and judge. Nothing is loaded before one of them is asked. */
export interface Students {
  open(student: StudentSettings): LanguageModel & Scorer;
  /** Lets go of everything that they hold; none of them is to be asked again. */
  release(): Promise<void>;
}

/** Makes room for students; which threads they compute on changes no answer. */
export type OpenStudents = () => Students;

/** Students in this thread: for tests, and inside the threads of src/cli/threadedStudents.ts. */
export const localStudents = (runtime: TensorRuntime): Students => {
  const programs = new DecodePrograms(runtime);
  return {
    open: (student) => studentModel(student, programs),
    release: () => programs.release(),
  };
};
