/// The nouns that questions use. The form of a line: `name = synonyms | evidence`.
///
/// Before the name, `+` marks a thing that captions always mention, so that questions may call it absent from an image
/// whose captions do not mention it. After the name, `^general` names the wider noun, `*` marks a noun that is always
/// plural, `~` one that is not counted. Answers use the name in place of its synonyms. Evidence is a list of words that
/// hint at the thing: where a caption has one of them, no question calls the thing absent. A final `-` stands for any
/// ending.
enum LexiconWords {
    static let lists: [(Noun.Category, String)] = [
        (.person, person), (.animal, animal), (.vehicle, vehicle), (.sport, sport), (.instrument, instrument),
        (.clothing, clothing), (.furniture, furniture), (.thing, thing), (.food, food), (.structure, structure),
        (.place, place),
    ]

    private static let person = """
        person/people = someone, somebody, adult, individual, human, pedestrian, member, participant, other
        +man/men ^person = guy, gentleman, male, dude, father, dad, groom, policeman, cowboy, fisherman | person, \
        people, adult-, crowd, group, family, couple, team, player-, friend-, boy-, he, his, him, everyone
        +woman/women ^person = lady, female, mother, mom, bride | person, people, adult-, crowd, group, family, \
        couple, team, player-, friend-, girl-, she, her, everyone
        +child/children ^person = kid, toddler, youngster, youth, teenager, teen | person, people, boy-, girl-, baby, \
        babies, family, kids, son, daughter, crowd, group, infant
        +boy ^child = son, brother | person, people, child-, kid-, toddler-, teen-, youth-, crowd, group, man, men, \
        guy-, he, his, him, baby, infant, family, friend-, male-, young, little
        +girl ^child = daughter, sister | person, people, child-, kid-, toddler-, teen-, youth-, crowd, group, woman, \
        women, lady, ladies, she, her, baby, infant, family, friend-, female-, young, little
        +baby/babies ^child = infant, newborn | toddler-, child-, kid-, little, young, boy-, girl-
        player ^person = footballer, goalie, catcher, pitcher, batter, athlete, teammate
        skateboarder ^person =
        snowboarder ^person =
        skier ^person =
        surfer ^person =
        cyclist ^person = bicyclist, biker
        motorcyclist ^person =
        climber ^person =
        hiker ^person = backpacker
        rider ^person = racer, jockey, driver
        runner ^person = jogger
        swimmer ^person = diver
        dancer ^person = ballerina, cheerleader
        musician ^person = guitarist, singer, drummer
        worker ^person = officer, soldier, vendor, fireman, firefighter, police
        wrestler ^person =
        """

    private static let animal = """
        +dog = puppy, pup, canine, greyhound, retriever, poodle, terrier, collie, lab, labrador, pitbull, beagle, \
        husky, doberman, bulldog, dachshund, dalmatian, dalmation, corgi, rottweiler, sheepdog, spaniel, hound, \
        labradoodle, pug, chihuahua, german shepherd | animal-, pet, pets, leash-, collar-, shepherd-, wolf, paw-, \
        creature-, fox, breed-
        +cat = kitten, kitty | animal-, pet, pets, tabby
        +horse = pony, foal, mare, stallion, bronco, colt | animal-, jockey-, cowboy-, rodeo, polo, equestrian, \
        carriage-, saddle, ride-, riding, gallop-, mule, donkey, bull-, stable
        +bird = pigeon, seagull, gull, eagle, parrot, sparrow, pelican, heron, egret, swan, duck, goose, flamingo, \
        dove, crow, owl, hawk, peacock, penguin, crane | animal-, wing-, geese, beak, feather-, flock-, fly, flying, \
        flies, chicken-
        +cow = bull, calf, steer, cattle, ox | animal-, rodeo, herd, horn-, matador-
        +sheep/sheep = lamb | animal-, herd, flock, goat-
        +goat = | animal-, sheep, ram, herd
        +camel = llama | animal-
        +elephant = | animal-
        +monkey = ape, gorilla, chimpanzee | animal-
        +bear = panda | animal-
        +rabbit = bunny | animal-, hare
        +fish/fish = goldfish, shark | animal-, fishing, fisher-, aquarium, sea, catch
        +squirrel = | animal-
        +deer/deer = antelope | animal-
        """

    private static let vehicle = """
        +bike = bicycle, tricycle, unicycle, mountain bike | bik-, cycl-, bicycl-, motorbik-, motorcycl-, motocross, \
        ride-, riding, wheel-, pedal-, bmx, atv, wheelie, scooter-, moped, vehicle-
        +motorcycle = motorbike, moped, dirt bike, dirtbike | motor-, bik-, moto-, race-, racing, ride-, riding, \
        cycl-, scooter-, vehicle-, stunt-
        +car = automobile, suv, jeep, taxi, race car, convertible, sedan, van, auto | traffic, vehicle-, driv-, \
        street-, road-, park, parking, parked, truck-, highway, city, racing, race
        +truck = lorry, tractor, pickup | vehicle-, car, cars, traffic, street-, road-, driv-, jeep-, suv, van
        +bus/buses = tram | vehicle-, street-, traffic, transport-, trolley-, station
        +boat = ship, sailboat, motorboat, speedboat, yacht, ferry, rowboat | canoe-, kayak-, raft-, sail-, vessel-, \
        row-, paddl-, water, ski-, harbor, dock-, pier, jet
        +canoe ^boat = | boat-, kayak-, paddl-, row-, raft-
        +kayak ^boat = | boat-, canoe-, paddl-, raft-, row-
        +raft ^boat = | boat-, tube-, float-, inflatable, rapids, kayak-, canoe-
        +train = locomotive, subway | track-, rail-, station, tram
        +airplane = plane, aircraft, jet, biplane, glider, helicopter | fly-, flies, air, pilot, sky, wing-, parachut-
        +skateboard = | skat-, board-, rollerblad-, trick-, ramp
        +surfboard = | surf-, board-, wave-, wake-, ocean, water
        +snowboard = | snow-, board-, ski-, sled-, slope
        +sled = sleigh, toboggan | snow-, sled-, slid-, ski-, board
        +scooter = | skat-, bik-, motor-, moped
        +skis* = | ski-, snow-, pole-, slope-
        +cart = wagon, carriage, buggy, stroller, wheelbarrow, go-cart, wheelchair | pull-, push-, vehicle-, truck-, \
        horse-
        """

    private static let sport = """
        +ball = soccer ball, tennis ball, beach ball, golf ball, baseball, bowling ball, rubber ball, volleyball, \
        softball, rugby ball | toy-, soccer, tennis, football-, basketball-, baseball-, volleyball-, rugby, lacrosse, \
        hockey, golf-, game, sport-, player-, catch-, throw-, kick-, pitch-, object-, hoop-, fetch-, juggl-, \
        something, team-, dribbl-, racket, bat, cricket
        +football ^ball = | ball-, rugby, sport-, player-, team-, game, quarterback, tackl-
        +basketball ^ball = | ball-, sport-, player-, team-, game, hoop-, dunk-, court, dribbl-
        +frisbee = flying disc, disc, disk | toy-, catch-, throw-, disc-, object, ring, something
        +toy = chew toy, dog toy, stuffed animal, teddy bear, doll, stuffed toy | ball-, frisbee-, stick-, play-, \
        object-, something, plastic, lego-, doll-, teddy, bear, stuffed, rubber, bone, rope, ring
        +bat = baseball bat | baseball, cricket, hit-, softball, batter, swing-, stick, ball
        +racket = racquet, tennis racket, tennis racquet | tennis, badminton, court, serv-, ping
        +balloon = | air, party, birthday
        +kite = | fly-, string
        +swing = tire swing, swing set | swing-, playground, rope, chain-, hang-, park
        +trampoline = | bounc-, jump-, leap-, flip-, air, somersault
        +hula hoop = hoop | hoop-, hula, ring-
        +hurdle = | jump-, leap-, obstacle-, bar-, barrier-, agility, pole-, course
        +bubble = | soap, blow-
        +net = | tennis, volleyball, soccer, goal-, fish-, hockey, hoop, badminton
        """

    private static let instrument = """
        +guitar = electric guitar, acoustic guitar | instrument-, music-, band, perform-, concert, bass, banjo, \
        play-, stage
        +violin = fiddle | instrument-, music-, band, cello, string-
        +drum = drums, drum set | instrument-, music-, band, perform-, concert, percussion
        +flute = | instrument-, music-, recorder, pipe
        +accordion = | instrument-, music-
        +piano = keyboard | instrument-, music-
        +trumpet = horn, trombone, tuba, saxophone | instrument-, music-, band, brass, horn-
        """

    private static let clothing = """
        shirt = t-shirt, tshirt, tee-shirt, tee, blouse, tank top, jersey, polo, top, tunic
        jacket = coat, parka, windbreaker, raincoat, blazer
        sweater = sweatshirt, hoodie, sweat shirt, cardigan, pullover
        vest = life vest, life jacket
        hat = cap, beanie, baseball cap, sombrero, cowboy hat, straw hat, hard hat, stocking cap
        helmet =
        headband = bandanna, bandana
        wig =
        dress/dresses = gown, sundress
        skirt = tutu, miniskirt, kilt
        pants* = trousers, slacks, jeans, sweatpants, leggings, khakis, overalls, tights
        shorts* = swim trunks, trunks, swimming trunks, boxers, swim shorts
        suit = tuxedo, business suit
        uniform = army uniform
        costume = clown suit, santa suit
        outfit = clothes, clothing, attire, gear
        swimsuit = bathing suit, bikini, swimming suit, swim suit, leotard
        wetsuit =
        robe = gown, cape, toga
        glasses* = eyeglasses, spectacles
        sunglasses* ^glasses = shades
        goggles* =
        mask = face mask
        muzzle =
        scarf/scarves =
        gloves* = mittens, glove
        tie = necktie, bow tie
        collar = dog collar
        harness/harnesses =
        necklace = beads, chain
        backpack = knapsack
        boots* =
        shoes* = sneakers, sandals, heels, flip-flops
        apron =
        """

    private static let furniture = """
        +bench/benches = park bench, picnic bench | seat-, sit, sits, sitting, sat, table, stool-
        chair = stool, armchair, lawn chair, folding chair, seat
        +couch/couches = sofa, loveseat | sit, sits, sitting, living, furniture, chair-, bed, futon
        +bed = mattress | sleep-, pillow-, bedroom, couch, sofa, blanket-, lay, laying, lies, lying, crib
        table = desk, picnic table, counter
        blanket = quilt, comforter, towel, cloth
        carpet = rug, mat
        """

    private static let thing = """
        stick = branch, twig, log, tree branch
        +umbrella = parasol | rain-, shade
        bag = purse, handbag, shopping bag, plastic bag, suitcase, luggage
        +camera = video camera, digital camera | photo-, picture-, film-, video-, shoot-, tripod, record-
        book = magazine
        newspaper = paper
        +microphone = mic | sing-, speak-, stage, karaoke, perform-, band, talk-, speech, concert, interview
        phone = cellphone, cell phone, telephone, mobile phone
        cigarette = cigar
        cup = mug, glass, coffee cup, bowl
        bottle = water bottle, beer bottle
        sign = banner, poster, placard
        +flag = american flag | banner-, parade, flag-
        flower/flowers = bouquet, rose
        gun = rifle, water gun, pistol, toy gun
        sword =
        paddle = oar
        fishing pole = fishing rod
        hose = water hose, garden hose
        bucket = pail
        shovel =
        rope = string, cord
        leash =
        box/boxes = carton, cardboard box
        basket =
        laptop = computer
        bone =
        tire = wheel
        hammer =
        pole = post
        bar =
        """

    private static let food = """
        ice cream = ice cream cone, popsicle
        cake = cupcake, birthday cake
        sandwich = hamburger, burger, hotdog, hot dog
        apple =
        pizza =
        candy = lollipop, sucker, chocolate
        corn =
        drink = beverage, beer, soda, wine, coffee, juice, milk
        carrot =
        watermelon =
        food~ = meal, snack, fruit, lunch, dinner, breakfast
        """

    private static let structure = """
        wall = brick wall, stone wall, rock wall, climbing wall
        fence =
        railing = rail, handrail, guardrail, banister
        stairs* = steps, staircase, stair, step
        ramp = skateboard ramp, half pipe, halfpipe
        slide = water slide
        rock = boulder, stone
        tree = palm tree, pine tree
        +tent = | camp-, canopy
        ladder =
        +fountain = water fountain | water, spray-, splash-, sprinkler-, statue-
        statue = sculpture
        wave =
        tunnel =
        platform = stage
        cliff =
        ledge =
        window =
        door = doorway
        house = cabin, barn, hut, playhouse
        building = skyscraper, church
        +bridge = | walkway, dock, pier, cross-
        monkey bars* = jungle gym
        """

    private static let place = """
        +snow~ = | snow-, ski-, sled-, ice, icy, winter, white, cold, frozen, avalanche, mountain-
        +beach/beaches = shore, seashore, shoreline, seaside | sand-, ocean, sea, surf-, wave-, coast-, water, lake
        pool = swimming pool, kiddie pool, wading pool, paddling pool
        ocean = sea, surf
        lake = pond
        river = stream, creek, brook
        water~ =
        grass~ = lawn
        field = pasture, meadow, grassland
        street = road, crosswalk, highway, alley
        sidewalk = pavement, walkway
        park = playground
        yard = backyard, garden
        forest = woods, woodland, jungle
        mountain = mountainside, mountaintop
        hill = hillside, slope
        sand~ = dune, sand dune, desert
        path = trail, dirt path, pathway
        track = racetrack, race track
        dirt~ = mud, puddle
        floor =
        court = basketball court, tennis court
        store = shop, market, mall
        restaurant = cafe, diner
        dock = pier
        """
}
