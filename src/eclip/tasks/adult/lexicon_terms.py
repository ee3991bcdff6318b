"""The words of policies, English and Korean, with the other senses that they have in a shop.

Short on purpose: words that say by themselves what a product is. Taken from general knowledge of the two
languages, checked on groceries and clothes, where nearly every such word also means something else
(`docs/tasks/adult.md`). A space stands for any or no mark between two words.
"""

from __future__ import annotations

from dataclasses import dataclass

from eclip.schema import POLICIES

ADULT, AGE_RESTRICTED, SENSITIVE = POLICIES


@dataclass(frozen=True, kw_only=True)
class TermGroup:
    """Terms of one level that the same other senses excuse."""

    level: str  # one of POLICIES
    sure: bool  # decides by itself; else it only asks for a look
    terms: tuple[str, ...]
    unless: tuple[str, ...] = ()  # groups of `SENSES` that excuse a term


def _listed(text: str) -> tuple[str, ...]:
    """The parts of a text between bars."""
    return tuple(part.strip() for part in text.split("|"))


# What else in the title says that the word has another sense: patterns, English ones from the start of a word.
SENSES: dict[str, tuple[str, ...]] = {
    "eyes": _listed(r"""
        eyes?\b | contact | lens | ophthalm | dry eye | tears | 점안 | 인공눈물 | 안구 | 눈물 | 렌즈 | 안약 |
        콘택트
    """),
    "machines": _listed(r"""
        engine | motor\b | motorcycle | chain | bike | bicycle | cycling | car\b | auto | gear | machine |
        sewing | treadmill | door | lock | hinge | silicone spray | spray can | straw | smart straw | wd.?40 |
        grease | graphite | dry film | penetrating | bearing | garage | fan | valve | o.?rings? | hose |
        concrete | cement | pool | phone | pager | haptic | pump | cable | pipe | plumb | tattoo | clipper |
        gun oil | tire | 엔진 | 모터 | 체인 | 자전거 | 오토바이 | 자동차 | 차량 | 기계 | 공업 | 공구 | 미싱 |
        재봉 | 런닝머신 | 러닝머신 | 도어 | 자물쇠 | 경첩 | 스프레이 | wd | 구리스 | 그리스 | 베어링 | 배관 |
        호스 | 콘크리트 | 시멘트 | 휴대폰 | 핸드폰 | 진동모터 | 타이어 | 세차 | 지퍼 | 고무 | 산업용 | 식품기계
    """),
    "medicine": _listed(r"""
        catheter | enema | surgical | ultrasound | probe | medical | sterile | suppositor | cough | cold\b |
        allergy | vitamin | gumm | probiotic | diaper | mouthwash | toothbrush | 의료 | 초음파 | 수술 |
        카테터 | 관장 | 내시경 | 비타민 | 영양제 | 기저귀 | 유산균 | 마스크
    """),
    "pets": _listed(r"""
        dog | puppy | cat\b | cats\b | kitten | pet\b | pets\b | 강아지 | 고양이 | 애견 | 반려 | 사료 | 펫
    """),
    "insects": _listed(r"""
        trap | moth | insect | roach | bug\b | bugs\b | mosquito | fly\b | flies | 트랩 | 나방 | 해충 | 바퀴 |
        모기 | 벌레 | 포획 | 유인
    """),
    "electronics": _listed(r"""
        microphone | mic\b | usb | data block | wireless | antenna | 마이크 | 유에스비 | 안테나
    """),
    "stage": _listed(r"""
        movie poster | book\b | novel | textbook | education | pistols | and the city | wax | unisex | 교육 |
        만화책
    """),
    "wear": _listed(r"""
        dress | shirt | t.?shirt | tee\b | tees\b | polo | top\b | tops\b | pants?\b | trousers? | jeans |
        shorts?\b | skirt | jacket | coat | blazer | sweater | cardigan | hoodie | kurt | saree | sari |
        dupatta | bra\b | bras\b | brief | boxer | socks?\b | shoes?\b | sandal | heels?\b | sneaker |
        boots?\b | flats?\b | bag\b | bags\b | handbag | wallet | belt | watch | cap\b | caps\b | hat\b |
        tie\b | ties\b | scarf | stole | denim | body\b | hair | colou?r | earring | ring\b | necklace |
        pendant | bracelet | bangle | sunglasses | women | men\b | girl | boy | lipstick | lip\b | nail |
        blush | 원피스 | 셔츠 | 티셔츠 | 니트 | 자켓 | 재킷 | 코트 | 바지 | 팬츠 | 치마 | 스커트 | 신발 |
        구두 | 운동화 | 가방 | 지갑 | 벨트 | 모자 | 스카프 | 양말 | 가디건 | 맨투맨 | 후드 | 여성 | 남성 |
        커튼 | 이불 | 컬러 | 색상 | 립스틱 | 틴트 | 염색
    """),
    "scents": _listed(r"""
        candle | perfume | fragrance | cologne | eau de | incense | diffuser | soap | shampoo | body wash |
        deodorant | lotion | 향초 | 향수 | 캔들 | 디퓨저 | 비누 | 샴푸 | 바디워시 | 방향제
    """),
    "tableware": _listed(r"""
        glass | stemware | mug | cup\b | cups\b | flute | goblet | tumbler | stein | decanter | opener |
        corkscrew | stopper | rack | cooler | chiller | fridge | refrigerator | cellar | holder | stones?\b |
        bucket | aerator | koozie | coaster | shaker | dispenser | charm | bottle bag | gift bag | caddy |
        spoon | pourer | 잔\b | 잔세트 | 잔 세트 | 글라스 | 컵 | 머그 | 텀블러 | 오프너 | 병따개 | 따개 |
        랙\b | 셀러 | 냉장고 | 쿨러 | 거치대 | 디캔터 | 디켄터 | 스토퍼 | 마개 | 스톤 | 디스펜서 | 거품기 |
        주전자 | 사발 | 코스터 | 케이스 | 칠러 | 에어레이터 | 술잔 | 유리
    """),
    "kitchen": _listed(r"""
        vineg | vinaigrette | dressing | cooking | sauce | salsa | marinad | marinated | batter | battered |
        brat | bratwurst | sausage | salam | mousse | pate\b | cheese | cheddar | bread | chips | mustard |
        jelly | jam\b | jerky | cake | cakes | cookie | biscuit | cracker | chocolate | truffle | candy |
        candies | gum\b | gums\b | ice cream | gelato | sorbet | yogurt | creamer | coffee | tea\b | extract |
        flavou?ring | raisin | butter\b | baked | beans | pasta | penne | rigatoni | ravioli | pizza |
        marinara | alla | soup | broth | stew | chicken | turkey | beef | steak | ham\b | pork | ribs?\b |
        salmon | shrimp | mussels | clams | fish | bbq | barbecue | glaze | glazed | maple | syrup | vanilla |
        pecan | caramel | salad | kraut | pickle | olives? | pretzel | popcorn | peanut | nuts\b | almond |
        oats?\b | honey mustard | oil\b | berry | berries | grape juice | raspberries | snack | bar\b |
        bars\b | protein | rice\b | yeast | seasoning | salt\b | onion | peppercorn | sorbetto | gnocchi |
        tomato | fruit bars? | 식초 | 소스 | 요리 | 조미 | 빵 | 치즈 | 초콜릿 | 초콜렛 | 봉봉 | 케이크 | 쿠키 |
        젤리 | 사탕 | 아이스크림 | 안주 | 효모 | 숙성 | 육포 | 라면 | 만두 | 떡볶이 | 삼겹 | 불고기 | 드레싱
    """),
    "soft": _listed(r"""
        root beer | ginger beer | ginger ale | birch beer | butterbeer | non.?alcoholic | alcohol.?free |
        dealcoholized | alcohol removed | zero alcohol | 0(?:[.,]0)? ?% | mocktail | mixer | mix\b |
        sparkling cider | apple cider | virgin | unfermented | 무알콜 | 무알코올 | 논알콜 | 논알코올 | 비알콜 |
        제로알콜
    """),
    "smokers": _listed(r"""
        case\b | box\b | humidor | storage | lighter | holder | pants?\b | jeans | trousers? | tray |
        heels?\b | card | socket | plug | charger adapter | jacket | ash | detector | odou?r | leather |
        brown | color | colour | quit | gum\b | patch | lozenge | remover | 케이스 | 재떨이 | 냄새 | 라이터 |
        금연 | 제거 | 탈취 | 감지 | 경보 | 파우치 | 패치 | 껌 | 캔디 | 필통 | 꽁초 | 흡연부스
    """),
    "devices": _listed(r"""
        phone | smartphone | sim\b | mobile | android | display | fridge | freezer | tablet | camera |
        \d+ ?gb | 휴대폰 | 스마트폰 | 자급제 | 태블릿
    """),
    "toys": _listed(r"""
        toy\b | toys\b | nerf | water | lego | costume | poster | shirt | game\b | replica figure | figure |
        kids | 장난감 | 물총 | 게임 | 피규어 | 레고 | 키링
    """),
    "laboratory": _listed(r"""
        isopropyl | rubbing | sanitizer | cleaner | lab\b | reagent | 소독 | 세정
    """),
}  # fmt: skip

_DRINK_SENSES = ("kitchen", "soft", "tableware", "wear", "scents", "devices", "toys")

TERM_GROUPS: tuple[TermGroup, ...] = (
    # --- adult: goods for sexual use, pornography ---
    TermGroup(
        level=ADULT,
        sure=True,
        terms=_listed("""
            sex toy | sex doll | love doll | sex machine | sex swing | dildo | butt plug | anal plug |
            anal bead | cock ring | penis ring | penis pump | penis sleeve | masturbator | masturbation cup |
            strap on harness | nipple clamp | ball gag | chastity cage | chastity device | bdsm | clitoral |
            g spot | prostate massager | erotic toy | erotic game | erotic book | erotic magazine |
            erotic dvd | erotic costume | erotic lingerie | porn | porno | pornography | hentai | adult dvd |
            adult video | adult magazine | adult movie | adult novelty | adult novelties |
            adult entertainment | 성인용품 | 섹스토이 | 섹스돌 | 리얼돌 | 딜도 | 자위기구 | 자위컵 | 오나홀 |
            콕링 | 애널플러그 | 애널비즈 | 성인비디오 | 성인잡지 | 성인만화 | 성인영화 | 성인도서 | 정조대 |
            야동 | 19금 | 섹스
        """),
    ),
    TermGroup(
        level=ADULT,
        sure=True,
        terms=_listed("""
            adult toy | adult item | adult goods | adult product | adults only | adult only
        """),
        unless=("pets", "medicine"),
    ),
    TermGroup(
        level=ADULT,
        sure=True,
        terms=_listed("""
            vibrator | 바이브레이터
        """),
        unless=("machines",),
    ),
    TermGroup(
        level=ADULT,
        sure=False,
        terms=_listed("""
            erotic | bondage | fetish wear | wand massager | personal massager | kegel ball | aphrodisiac |
            pole dancing kit | discreet packaging | discreet package | discreet pack | discreet shipping |
            discreet delivery | discreet box | sex | 에로틱 | 본디지 | 비밀포장 | 비밀배송 | 성인전용
        """),
        unless=("stage", "pets", "medicine", "wear", "toys"),
    ),
    # --- sensitive: sexual health, arms ---
    TermGroup(
        level=SENSITIVE,
        sure=True,
        terms=_listed("""
            condom | 콘돔
        """),
        unless=("electronics", "medicine", "machines"),
    ),
    TermGroup(
        level=SENSITIVE,
        sure=True,
        terms=_listed("""
            personal lubricant | intimate lubricant | sexual lubricant | intimate lube | personal lube |
            spermicide | spermicidal | male enhancement | penis enlargement | delay spray | erectile |
            crotchless | 러브젤 | 조루 | 발기 | 사정지연
        """),
        unless=("eyes",),
    ),
    TermGroup(
        level=SENSITIVE,
        sure=False,
        terms=_listed("""
            lubricant | lube | water based lubricant | 윤활제 | 윤활젤
        """),
        unless=("eyes", "machines", "medicine"),
    ),
    TermGroup(
        level=SENSITIVE,
        sure=False,
        terms=_listed("""
            pheromone | sexy lingerie | sexual wellness | 페로몬 | 섹시속옷 | 섹시란제리 | 야한속옷 | 정력제
        """),
        unless=("insects", "pets"),
    ),
    TermGroup(
        level=SENSITIVE,
        sure=True,
        terms=_listed("""
            stun gun | taser | brass knuckle | switchblade | butterfly knife | pepper spray | nunchuck |
            crossbow | 전기충격기 | 페퍼스프레이 | 호신용스프레이 | 석궁
        """),
        unless=("toys",),
    ),
    # --- age-restricted: alcohol, tobacco ---
    TermGroup(
        level=AGE_RESTRICTED,
        sure=True,
        terms=_listed("""
            whiskey | whisky | single malt | vodka | tequila | mezcal | liqueur | bourbon | lager | pilsner |
            pils | hefeweizen | pale ale | amber ale | brown ale | india pale ale | malt liquor |
            malt beverage | hard cider | hard seltzer | hard lemonade | chardonnay | cabernet |
            cabernet sauvignon | merlot | pinot noir | pinot grigio | pinot gris | riesling | sauvignon blanc |
            malbec | shiraz | syrah | zinfandel | chianti | rioja | prosecco | moscato | soju | makgeolli |
            alcoholic beverage | chenin blanc | viognier | lambrusco | gewurztraminer | gruner veltliner |
            triple sec | radler | red wine | white wine | sparkling wine | rose wine | dessert wine | beer |
            소주 | 맥주 | 막걸리 | 위스키 | 보드카 | 데킬라 | 테킬라 | 코냑 | 꼬냑 | 고량주
        """),
        unless=_DRINK_SENSES,
    ),
    TermGroup(
        level=AGE_RESTRICTED,
        sure=False,
        terms=_listed("""
            wine | rum | gin | brandy | champagne | vermouth | sake | sangria | ale | ipa | stout | iipa |
            sherry | brut | cognac | red blend | 와인 | 사케 | 샴페인 | 브랜디
        """),
        unless=(*_DRINK_SENSES, "laboratory"),
    ),
    TermGroup(
        level=AGE_RESTRICTED,
        sure=True,
        terms=_listed("""
            cigarette | cigar | chewing tobacco | smoking tobacco | rolling tobacco | e cigarette | e liquid |
            vape | vape juice | shisha tobacco | 전자담배 | 담배 | 궐련 | 액상니코틴
        """),
        unless=("smokers", "insects", "scents", "wear", "toys"),
    ),
    TermGroup(
        level=AGE_RESTRICTED,
        sure=True,
        terms=_listed("""
            미성년자판매불가 | 미성년자판매금지 | 미성년자구매불가 | 청소년판매금지 | 청소년유해 | 성인인증
        """),
    ),
    TermGroup(
        level=AGE_RESTRICTED,
        sure=False,
        terms=_listed("""
            tobacco | hookah | shisha | nicotine | bb gun | air rifle | 19세이상 | 니코틴 | 비비탄총
        """),
        unless=("smokers", "scents", "wear", "toys"),
    ),
)  # fmt: skip

# Korean words inside of which a term stands by chance, or that name another thing.
FALSE_COMPOUNDS = _listed("""
    최소주문 | 최소 주문 | 소주석 | 와인색 | 와인컬러 | 맥주효모 | 발기름 | 개발기 | 이발기 | 발기인 |
    출발기념 | 야동네 | 선발기 | 발기준 | 섹스피어 | 유발기 | 개발 기
""")
