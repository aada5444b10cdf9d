/** Common English words for the built-in list problems; several share their first two or three letters. */
export const commonWords: readonly string[] = `
able about above accept across action active actual adult advice affair after again agent agree ahead airport album
alive allow almost along already always amount anchor angle animal annual answer anybody apple april arena argue
arrive artist aspect assume attack august autumn average avoid award aware baby back bacon badge baker balance banana
bank barrel basket battle beach beacon beauty become before begin behind believe bell belong below bench benefit berry
better between beyond bicycle birch bird birth bitter blanket blast blaze block blood bloom board boat body bonus
border borrow bottle bottom boundary brain branch brave bread break breath brick bridge bright bring broken brother
brown brush bucket budget build burden burst butter button cabin cactus camera camp canal candle canvas canyon capital
captain carbon career careful cargo carpet carrot carry castle casual catalog cattle caution cedar ceiling cello
cement center century cereal certain chain chair chalk chance change chapter charge cheese cherry chest chicken chief
child choice church circle citizen city claim class clean clear clever climb clinic clock close cloth cloud clover
coach coast coffee collar color column comet common concert copper coral corner cotton council country couple course
cousin cover craft cream credit crisp crowd crown crystal culture curtain custom cycle damage dance danger daring
daughter debate decide deep defend degree deliver demand dentist depend desert design desk detail device dialog
diamond dinner direct distant doctor dolphin domain donkey double dragon drama dream dress drift driver drum during
eager early earth easel eastern echo edge editor effort eight either elbow elder electric element elevator eleven
ember emerge empire empty energy engine enjoy enough enter entire equal error escape estate evening event every
evidence exact example except excite exercise expect expert fabric factor failure fair family famous fancy farmer
fashion father favor feather federal fence fever field figure filter final finger finish flame flavor flight float
flower fluid focus follow force forest forget formal fortune forward fossil frame freedom fresh friend front frozen
fruit future galaxy gallery garden garlic gather general gentle giant ginger glass globe glove golden grain grand
grape grass gravel great green ground group growth guard guess guide guitar habit hammer handle happen harbor harvest
hazel health heart heavy height helmet hidden hollow honest honey horizon horse hospital house human humble hundred
hunger hurry idea image impact import include income index indoor infant inform inside install invent invite island
item ivory jacket jelly jewel join journey judge juice jungle junior keen kernel kettle kind kitchen knee knife label
ladder lady lake lamp language large later laugh laundry lawyer layer leader leaf league learn leather lemon lesson
letter level library light limit linen liquid listen little lively local logic lonely lunar lunch machine magic magnet
major mango maple marble margin market master matter meadow measure medal member memory mental merchant
`
  .trim()
  .split(/\s+/);
