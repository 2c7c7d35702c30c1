/** Words for readable names. */
export const ADVERBS =
  "barely boldly calmly deeply duly early fairly firmly gently gladly kindly lively mildly neatly openly partly purely quietly rarely safely slowly surely truly warmly".split(
    " ",
  );
export const ADJECTIVES =
  "able amber brave brisk calm clear crisp deft eager fair fond fresh glad grand keen kind lucid merry noble plain proud quick ready sharp solid sound steady sunny tidy vivid warm wise".split(
    " ",
  );
export const NAMES =
  "badger beaver bison crane dove egret falcon ferret finch gecko heron ibex jay kite lark lemur lynx marten mole newt otter owl panda perch quail raven robin seal swan tern vole wren".split(
    " ",
  );
