/** Frequent small words, by which a language gives itself away. Words that English has too are left out of the others. */
const english = new Set(
  'the is are was be to of and in it that this because should not by with for on as at from which than must has have its into but so if or an'.split(
    ' ',
  ),
);
const others = new Set(
  (
    'der die das und ist nicht ein eine den dem des weil mit auf von zu im schritt ' +
    'le la les un une est et dans que qui pas pour du au étape parce ' +
    'el los las y es por para con del paso porque una ' +
    'il lo gli di che non per della sono passo perché ' +
    'o os uma não por para com do da etapa ' +
    'de het een en niet van dat stap omdat'
  ).split(' '),
);

const quotedText = /"[^"]*"/g;

/**
 * Whether a text is in another language than English: a good part of its letters is not Latin, or the small words of other
 * languages outnumber the English ones. What stands in quotes is left aside. Two words or fewer prove nothing.
 */
export const inOtherLanguage = (text: string): boolean => {
  const plain = text.replaceAll(quotedText, ' ');
  const letters = plain.match(/\p{L}/gu) ?? [];
  const foreign = letters.filter((letter) => !/\p{Script=Latin}/u.test(letter));
  if (foreign.length >= 4 && foreign.length > letters.length / 5) return true;
  const words = plain.toLowerCase().match(/\p{L}+/gu) ?? [];
  const count = (set: ReadonlySet<string>): number => words.filter((word) => set.has(word)).length;
  const strange = count(others);
  return strange >= 3 && strange > count(english);
};
