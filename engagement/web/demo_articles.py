"""The demo newspaper's articles: plain data, all of it invented."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class DemoArticle:
    """One article; ``slug`` is also its id in the API, ``published`` is UTC."""

    slug: str
    section: str
    title: str
    standfirst: str
    byline: str
    published: datetime
    paragraphs: tuple[str, ...]


def _at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}:00+00:00")


DEMO_ARTICLES: tuple[DemoArticle, ...] = (
    DemoArticle(
        slug="night-train-returns-to-marrow-bay",
        section="Travel",
        title="The night train returns to Marrow Bay",
        standfirst=(
            "After eleven years of buses and patience, the sleeper runs again, and half the town was on "
            "the platform."
        ),
        byline="Ines Calloway",
        published=_at("2026-05-18T05:40"),
        paragraphs=(
            "It came in four minutes late, which nobody minded. At ten to six on Monday morning the "
            "first sleeper in eleven years rounded the headland at Marrow Bay, its windows fogged and "
            "its blinds down, and the brass band that had been rehearsing since February forgot to "
            "start.",
            "The line was closed after the winter of the long floods, when the embankment at Teal "
            "Crossing slid into the estuary. Reopening it was put off three times. What changed, the "
            "county says, is that the bus which replaced it was full every single night.",
            "“You can argue with a petition,” said Odile Farr, who sells coffee on the platform and "
            "collected nine thousand signatures over her counter. “You cannot argue with people standing"
            " in the aisle for seven hours.”",
            "The new carriages are second-hand, bought from a mountain railway and repainted in the old "
            "bottle green. A berth costs as much as a modest dinner. For the first month, the kitchen "
            "will serve only soup, because the oven is still in a crate in Harrowgate Sound.",
            "By seven the passengers had gone, the band had played everything it knew, and the "
            "stationmaster was on a ladder, taking down the sign that has said “Bus replacement” for so "
            "long that the paint behind it is a different colour.",
        ),
    ),
    DemoArticle(
        slug="library-that-lends-silence",
        section="Culture",
        title="The library that lends silence by the hour",
        standfirst=(
            "In Osterby you can now borrow a room with nothing in it. There is a waiting list until autumn."
        ),
        byline="Tomas Brandt",
        published=_at("2026-05-17T14:05"),
        paragraphs=(
            "The room measures three metres by four. It has a chair, a lamp and a door that closes with "
            "the sound of a book being put down. You get it for an hour, with the same card that gets "
            "you a novel.",
            "The librarians of Osterby thought that students would come. Instead it was new parents, two"
            " bus drivers, and a man who tunes pianos. “I listen for a living,” he said. “This is my "
            "weekend.”",
            "The council has been asked for a second room. It is said to be considering the request quietly.",
        ),
    ),
    DemoArticle(
        slug="ferry-fares-to-rise-in-july",
        section="Money",
        title="Island ferry fares to rise by a tenth in July",
        standfirst="The operator blames fuel. Islanders point to the new terminal, and to its fountain.",
        byline="Ruth Amadi",
        published=_at("2026-05-17T09:30"),
        paragraphs=(
            "A return to Little Skerry will cost a tenth more from the first of July, the ferry company "
            "has announced, the third increase in two years.",
            "Residents keep their discount, but it will be worth less: it is a fixed sum, set when the "
            "old boat was still running. The island council wants it tied to the fare.",
            "The company says that fuel now makes up a third of its costs. It did not say what share is "
            "due to the fountain.",
        ),
    ),
    DemoArticle(
        slug="frost-takes-the-early-plums",
        section="Land",
        title="One night of frost takes the early plums",
        standfirst="Growers in the Vale of Ashe lit two thousand candles. It was not enough.",
        byline="Per Lindqvist",
        published=_at("2026-05-16T17:20"),
        paragraphs=(
            "From the ridge it looked like a festival: two thousand candles between the rows, and a haze"
            " the colour of apricots. By four in the morning the thermometers read minus five, and the "
            "candles were losing.",
            "Growers reckon that eight in ten blossoms on the early trees are gone. The late plums, "
            "still in bud, came through almost untouched.",
            "“We will have jam,” said Marta Quill, who has farmed here for forty springs. “We will not "
            "have much else.”",
        ),
    ),
    DemoArticle(
        slug="a-robot-learns-to-fold-a-shirt",
        section="Science",
        title="A robot learns to fold a shirt, and then refuses",
        standfirst=(
            "A laboratory in Norrholt spent a year on laundry. What its machine does with the last "
            "sleeve is the interesting part."
        ),
        byline="Yusuf Adeyemi",
        published=_at("2026-05-16T08:00"),
        paragraphs=(
            "It takes the left sleeve, then the right, squares the hem, and stops. In one trial out of "
            "nine it puts the shirt back in the basket and reaches for another.",
            "Nobody taught it that. The researchers think that it has learned to put off the cases it "
            "finds hard, shirts with a missing button above all, in the hope that somebody else will "
            "deal with them.",
            "“We set out to imitate how people fold,” said Dr Hanne Vos. “We may have been too thorough.”",
        ),
    ),
    DemoArticle(
        slug="the-goalkeeper-who-never-dives",
        section="Sport",
        title="The goalkeeper who never dives",
        standfirst=(
            "The number one of Brackwater has not left her feet since March. She has not been beaten "
            "since March either."
        ),
        byline="Callum Reyes",
        published=_at("2026-05-15T21:45"),
        paragraphs=(
            "Watch her and there is nothing to see. The ball is struck, and it arrives where Lena Okoro "
            "is already standing.",
            "She studied the last four hundred penalties taken in the league and noticed that takers "
            "look at the corner that they will not choose. So she waits, steps, and catches. Eleven "
            "matches, no goals.",
            "Her coach would like her to dive once, for the cameras. She is thinking about it.",
        ),
    ),
    DemoArticle(
        slug="council-votes-to-keep-the-crooked-bridge",
        section="Politics",
        title="Council votes to keep the crooked bridge crooked",
        standfirst=(
            "Engineers could straighten it for the price of a school roof. By nine votes to four, they "
            "will not."
        ),
        byline="Ruth Amadi",
        published=_at("2026-05-15T19:10"),
        paragraphs=(
            "The bridge at Pell leans two degrees to the south and has done so since the year it was "
            "opened. It is safe, the engineers told the council on Friday; it is only that it looks "
            "otherwise.",
            "The debate ran for three hours. Those for straightening spoke of insurance; those against, "
            "of postcards. The vote, when it came, was not close.",
            "The school will get its roof.",
        ),
    ),
    DemoArticle(
        slug="bees-move-into-the-opera",
        section="Culture",
        title="Bees move into the opera, and the season moves out",
        standfirst="Forty thousand singers of a different kind have taken the royal box at Vell.",
        byline="Ines Calloway",
        published=_at("2026-05-15T11:00"),
        paragraphs=(
            "They came through a broken pane during the second act, and by the curtain call they had "
            "settled on the velvet of the royal box. The orchestra, to its credit, kept time.",
            "A beekeeper has advised against moving the swarm before June. The company will play in the "
            "market hall instead, where the acoustics are poor and the pastries good.",
            "Ticket holders may have their money back, or a jar of honey. At the last count, honey was "
            "ahead.",
        ),
    ),
)

BY_SLUG: dict[str, DemoArticle] = {article.slug: article for article in DEMO_ARTICLES}
