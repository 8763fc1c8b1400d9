"""What pictures of a class usually show beside it: who is there, what they do, where it is.

The thousand classes have no person and hardly an action, yet their pictures are full of them: a stethoscope comes with
a doctor. A line a class, ``name: scene``, for those where it says more than the name; written from what such
photographs show, not from any corpus. It does not know how pictures are classified.
"""

from __future__ import annotations

from functools import cache


@cache
def class_scenes() -> dict[str, str]:
    """Return the scene by class name; most animals have none.

    >>> class_scenes()["cello"]
    'a musician playing the cello in a concert'
    """
    return dict(line.split(": ", 1) for line in _SCENES.strip().splitlines())


_SCENES = """
tench: a man holding up a big fish he caught
great white shark: a shark swimming in deep blue water
electric ray: a ray swimming in an aquarium tank
snoek fish: a fisherman holding a fish on a boat
eel: an eel in dark water
silver salmon: a man in waders holding a salmon by a river
sturgeon: a fisherman holding a huge fish
gar fish: a man on a boat holding a long fish
abacus: a child moving the beads of an abacus
abaya: a woman wearing a long black dress and a veil
academic gown: a smiling graduate in a black gown
accordion: a man playing the accordion on the street
acoustic guitar: a young man singing and playing the guitar
aircraft carrier: a warship at sea with planes on its deck
airliner: a passenger plane flying in the sky
airship: an airship floating in the sky
altar: the inside of a church with an altar
ambulance: an ambulance parked on the street, paramedics
analog clock: a round clock on a wall
apiary: a beekeeper in a white protective suit and veil with beehives
apron: a woman wearing an apron in the kitchen
trash can: a trash can beside the road
assault rifle: a soldier in uniform aiming a gun
backpack: a hiker with a backpack on a trail
bakery: bread and pastries in a shop
balance beam: a girl gymnast balancing at a competition
balloon: a hot air balloon in the sky with people
ballpoint pen: a hand writing on paper with a pen
Band-Aid: a bandage on a person's finger
banjo: a man playing the banjo
baluster / handrail: stairs with a railing in a house
barbell: a strong man lifting weights in a gym
barber chair: a man sitting in a barber's chair
barbershop: a barber cutting a man's hair
barn: a red barn in a field on a farm
barrel: wooden barrels in a cellar
wheelbarrow: a man pushing a wheelbarrow in the garden
baseball: a baseball player throwing the ball
basketball: basketball players jumping for the ball in a game
bassinet: a newborn baby sleeping in a bed
bassoon: a musician playing in an orchestra
swimming cap: a swimmer in a pool wearing a cap and goggles
bath towel: a person wrapped in a white towel
bathtub: a child taking a bath
station wagon: a car parked on the street
lighthouse: a lighthouse on the coast by the sea
beaker: liquid in glass vessels in a laboratory
military hat (bearskin or shako): royal guards in red uniforms on parade
beer bottle: people drinking bottles of beer at a party
beer glass: a glass of beer on the table in a pub
bell tower: an old stone church tower
baby bib: a baby eating in a high chair
tandem bicycle: a couple riding a bicycle together
bikini: a young woman in a swimsuit on the beach
binoculars: a man looking through binoculars
birdhouse: a bird at a wooden house in a tree
boathouse: a wooden house at the edge of a lake
bobsleigh: athletes sliding down an ice track
bolo tie: an older man in a shirt with a string tie
poke bonnet: a girl in an old-fashioned bonnet
bookcase: shelves full of books in a room
bookstore: people browsing books in a shop
hunting bow: an archer drawing a bow
bow tie: a man in a tuxedo smiling
bra: a woman in underwear
breakwater: waves breaking on rocks by the sea
breastplate: a man dressed as an ancient soldier
broom: a person sweeping the floor
bucket: a person carrying a bucket of water
buckle: a belt around a person's waist
bulletproof vest: a policeman or soldier wearing a vest
high-speed train: a train at a station platform
butcher shop: a butcher cutting meat behind the counter
taxicab: yellow cabs in city traffic
cauldron: a pot over a fire
candle: burning candles in the dark
cannon: an old cannon at a fort, soldiers in costume
canoe: people paddling a boat on a river
cardigan: a woman wearing a knitted jacket
car mirror: a road seen in the mirror of a car
carousel: children riding wooden horses at a fair
tool kit: hammers and wrenches in a box
automated teller machine: a person taking money from a cash machine
castle: a castle on a hill
catamaran: a sailing boat with people at sea
cello: a musician playing the cello in a concert
mobile phone: a person holding a phone in their hand
chain-link fence: a fence with people behind it
chain mail: a man dressed as a medieval knight
chainsaw: a man cutting a tree trunk with a chainsaw
Christmas stocking: a child opening presents at Christmas
church: a church building with a steeple
movie theater: people sitting in the dark before a big screen
cleaver: a hand chopping food with a big knife on a board
cliff dwelling: ancient houses in a rock face
cloak: a person in a long hooded cape
clogs: wooden shoes on a person's feet
cocktail shaker: a bartender mixing a drink at a bar
coffee mug: a person drinking a cup of coffee
coffeemaker: coffee being made in a kitchen
combination lock: a hand turning the dial of a lock
computer keyboard: hands typing on a keyboard
candy store: a shop full of colourful sweets
container ship: a cargo ship in a harbour
convertible: a man driving an open car
corkscrew: a hand opening a bottle of wine
cornet: a man playing a brass instrument in a band
cowboy boot: a person wearing jeans and leather boots
cowboy hat: a man with a hat, a rancher, in the country
cradle: a baby lying in a wooden bed
construction crane: a crane over a building site in a city
crash helmet: a motorcyclist wearing a helmet
crate: boxes of fruit at a market
infant bed: a baby standing in a bed with bars
Crock Pot: food cooking in a pot in the kitchen
croquet ball: people playing a game on the lawn
crutch: a person with an injured leg walking on crutches
cuirass: a man wearing metal armour
dam: water rushing from a dam in a valley
desk: a person working at a desk in an office
desktop computer: a man sitting in front of a computer in an office
rotary dial telephone: a person talking on an old telephone
diaper: a baby crawling on the floor
digital watch: a watch on a person's wrist
dining table: a family eating dinner around a table
dishwasher: dirty dishes in a kitchen
dock: boats moored in a harbour
dog sled: a team of dogs pulling a sled through the snow with a driver
dome: a domed building against the sky
doormat: a dog or shoes on a mat at the front door
drum: a man beating drums in a band
drumstick: a drummer's hands with sticks
dumbbell: a man exercising with weights
Dutch oven: stew cooking in an iron pot
electric guitar: a rock guitarist playing on stage
electric locomotive: a train on the rails
entertainment center: a living room with a television
espresso machine: a barista making coffee in a cafe
face powder: a woman putting on make-up
feather boa: a woman in a costume with feathers at a party
filing cabinet: an office with drawers of files
fireboat: a boat spraying water at a fire
fire truck: firefighters and a red fire engine
flagpole: a flag waving in the wind
flute: a girl playing the flute
folding chair: people sitting outdoors on chairs
football helmet: players in helmets on a football field
forklift: a worker driving a forklift in a warehouse
fountain: people around a fountain in a park
fountain pen: a hand writing a letter in ink
four-poster bed: a big bed in a bedroom
freight car: a freight train on the tracks
French horn: a musician playing the horn in an orchestra
frying pan: food frying in a pan on the stove
fur coat: a woman in a fur coat in winter
garbage truck: garbage men emptying bins into a truck
gas mask or respirator: a soldier wearing a gas mask
gas pump: a man filling his car with petrol
go-kart: a boy driving a small race car
golf ball: a golf ball on the grass near the hole
golf cart: people driving a small cart over a golf course
gondola: a boatman rowing tourists along a canal
gong: a man striking a gong
gown: a bride in a white dress, an elegant woman
grand piano: a pianist playing the piano at a concert
greenhouse: plants growing under glass
grocery store: people shopping for food in a supermarket
hair clip: the back of a girl's head with pinned hair
hair spray: a woman having her hair styled
hammer: a man hammering a nail into wood
hair dryer: a woman drying her hair
hand-held computer: a hand holding a small electronic device
harmonica: a man playing the harmonica
harp: a woman playing the harp
combine harvester: a farm machine harvesting a field of wheat
holster: a policeman with a gun at his belt
home theater: people watching a film on a big screen at home
honeycomb: bees on a honeycomb
hoop skirt: a woman in a historical dress
gymnastic horizontal bar: a male gymnast swinging from a bar
horse-drawn vehicle: people riding in a carriage pulled by horses
iPod: a hand holding a music player with earphones
clothes iron: a person ironing clothes
carved pumpkin: children with a glowing pumpkin at Halloween
jeans: a person wearing blue trousers
jeep: people driving an off-road car over rough ground
T-shirt: a young man or woman wearing a printed shirt
jigsaw puzzle: a child putting together a puzzle
rickshaw: a man pulling passengers along a busy street
joystick: a person playing a video game
kimono: Japanese women in traditional dress
knee pad: a boy skateboarding with protective pads
knot: hands tying a rope
lab coat: a scientist in a white coat in a laboratory
ladle: a person serving soup from a pot
laptop computer: a person working on a laptop at a table
lawn mower: a man mowing the lawn
library: people reading among shelves of books
lifeboat: rescuers on a boat at sea
lighter: a hand holding a flame, lighting a cigarette
limousine: a long white car at a wedding
ocean liner: a big passenger ship at sea
lipstick: a woman painting her lips red
lotion: a hand with a bottle of cream
loupe magnifying glass: a person looking closely through a magnifying glass
sawmill: logs cut by workers
messenger bag: a person carrying a bag over the shoulder
tights: a woman's legs in stockings, a dancer
one-piece bathing suit: a woman in a swimsuit at the pool
maraca: a musician shaking percussion
marimba: a musician playing with mallets
mask: a person wearing a painted mask at a carnival
matchstick: a burning match in the dark
maypole: people dancing around a pole in a village
maze: people walking between hedges
measuring cup: a cook measuring flour in the kitchen
megalith: big old stones standing in a field
microphone: a singer or speaker at a microphone on stage
military uniform: soldiers standing in uniform
minibus: people getting on a small bus
miniskirt: a young woman in a short skirt
minivan: a family car on the road
missile: a rocket on a launcher, military
mitten: a child in the snow with warm gloves
mixing bowl: a person stirring batter in a bowl
mobile home: a long low house with a garden
ford model t: people in an old-time car
monastery: monks at an old monastery
moped: a man riding a small motorbike
mortar and pestle: a person grinding spices by hand
graduation cap: students throwing their hats at graduation
mosque: a mosque with minarets
mosquito net: a bed under a white net
vespa: a person riding a scooter in the city
mountain bike: a cyclist riding on a forest trail
tent: people camping in front of a tent
computer mouse: a hand on a computer mouse at a desk
moving van: men loading furniture into a truck
muzzle: a dog with a muzzle
neck brace: a woman with an injured neck
necklace: a woman's neck with jewellery
baby pacifier: a baby's face
notebook computer: a person typing on a laptop
oboe: a musician in an orchestra playing a woodwind
odometer: the dashboard of a car
pipe organ: the organ in a church
overskirt: a woman in a long historical dress
bullock cart: men driving oxen with a cart along a dirt road
oxygen mask: a pilot or patient wearing an oxygen mask
paddle: people paddling on a river
paddle wheel: an old river steamboat
paintbrush: a hand painting with a brush
pajamas: a child in bed wearing pyjamas
palace: a large palace with gardens and tourists
pan flute: a man playing pipes on the street
parachute: a parachutist in the sky
parallel bars: a gymnast swinging on two bars
park bench: an old man sitting on a bench in the park
parking meter: cars parked along a street
railroad car: passengers in a train
patio: chairs and tables in a garden behind a house
payphone: a man in a phone booth
pedestal: a statue on a stone base in a park
Petri dish: a scientist's hand with a dish in the laboratory
photocopier: office workers at a copying machine
plectrum: a hand plucking guitar strings
Pickelhaube: an old soldier with a spiked helmet
picket fence: a house with a garden behind a white fence
pickup truck: a man driving a truck in the country
pier: people walking on a pier over the sea
pill bottle: pills spilled from a bottle
pillow: a person sleeping in bed
ping-pong ball: people playing table tennis
pirate ship: a sailing ship with pirates
drink pitcher: a person pouring a drink
block plane: a carpenter smoothing wood
plastic bag: a person carrying shopping
farm plow: a farmer ploughing a field
Polaroid camera: a person taking an instant photo
pole: people dancing or skiing with poles
police van: policemen beside a van
poncho: a woman or child in a colourful cloak in the mountains
pool table: men playing pool in a bar
soda bottle: a person drinking from a bottle
potter's wheel: hands shaping clay on a wheel
power drill: a man drilling a hole
prayer rug: a man kneeling on a rug to pray
printer: paper coming out of a machine in an office
prison: bars and a corridor of cells
hockey puck: ice hockey players
punching bag: a boxer hitting a bag in a gym
purse: a woman with a handbag
quill: an old letter written with a feather
quilt: a colourful cover on a bed, patchwork
race car: a car racing on a track
racket: a tennis player hitting a ball
radio: an old radio on a shelf
radio telescope: a huge dish antenna in a field
recreational vehicle: a family camping with a motor home
fishing casting reel: a man fishing with a rod
reflex camera: a photographer holding a camera
refrigerator: an open fridge full of food in a kitchen
remote control: a hand pressing a button, watching television
restaurant: people eating at tables, waiters
revolver: a hand pointing a gun
rifle: a man shooting with a rifle, a hunter
rocking chair: an old woman sitting on a porch
rotisserie: meat turning over a fire
rugby ball: rugby players tackling each other
sneaker: a person's feet in running shoes
sandal: a person's feet on the beach
sarong: a woman with a colourful cloth around her body on the beach
saxophone: a jazz musician playing the saxophone
weighing scale: a person weighing fruit
school bus: children getting on a yellow bus
schooner: a tall ship with sails
scoreboard: a stadium with a crowd at a match
CRT monitor: an old computer screen
screwdriver: a hand turning a screw
seat belt: a driver in a car
sewing machine: a woman sewing cloth
shield: a warrior with a shield
shoe store: a woman trying on shoes in a shop
shoji screen / room divider: a Japanese room
shopping basket: a customer with a basket in a supermarket
shopping cart: a woman pushing a cart in a supermarket
shovel: a man digging in the earth or snow
shower cap: a person in the shower
shower curtain: a bathroom with a bath
ski: skiers on a snowy mountain
balaclava ski mask: a masked man, a robber or soldier
sleeping bag: a person sleeping outdoors on a camping trip
slot machine: people gambling in a casino
snorkel: a swimmer with a diving mask in clear water
snowmobile: a man riding over the snow on a machine
snowplow: a truck clearing snow from the road
soccer ball: children playing football on a field
sock: feet in warm socks
solar thermal collector: panels on the roof of a house
sombrero: Mexican musicians in big hats
soup bowl: a person eating soup at a table
space shuttle: a rocket launch with smoke and fire
motorboat: people speeding over the water in a boat
sports car: a fast shiny car on the road
spotlight: lights shining on a stage
stage: performers on a stage before an audience, a concert
steam locomotive: an old train puffing steam
through arch bridge: a steel bridge over a river
steel drum: musicians on a Caribbean street
stethoscope: a doctor listening to a patient's heart
scarf: a woman with a scarf around her neck in winter
stone wall: sheep and fields with stone walls
stove: a cook at the stove in a kitchen
tram: a tram with passengers in a city street
stretcher: an injured person carried by rescuers
couch: people sitting on a sofa in a living room
stupa: pilgrims at a Buddhist temple
submarine: a submarine at the surface with sailors
suit: a businessman in a suit and tie
sunglasses: a person wearing dark glasses in the sun
sunscreen: a woman rubbing cream on her skin at the beach
suspension bridge: a big bridge over the water in a city
mop: a person mopping the floor
sweatshirt: a young person in a hooded jumper
swim trunks / shorts: a boy in shorts at the swimming pool or beach
swing: a child on a swing in a playground
syringe: a nurse giving an injection
tank: soldiers with a tank
teapot: tea being poured into a cup
teddy bear: a child hugging a soft toy
television: people watching television in a living room
tennis ball: a dog or player with a yellow ball
thatched roof: a cottage in a village
front curtain: an empty theatre with a red curtain
threshing machine: farmers threshing grain
throne: a king sitting on a golden chair
toaster: bread for breakfast in a kitchen
tobacco shop: a man smoking in a shop
torch: a person carrying a flame in the dark
totem pole: a carved wooden pole with faces
tow truck: a broken car being towed
toy store: children looking at toys in a shop
tractor: a farmer on a tractor in a field
semi-trailer truck: a truck on the motorway
tray: a waiter carrying drinks
trench coat: a man in a long coat in the rain
tricycle: a small child riding a tricycle
trimaran: a fast sailing boat racing
tripod: a photographer with a camera on a stand
triumphal arch: tourists at a monument in the city
trolleybus: a bus with passengers in the city
trombone: a man playing the trombone in a brass band
hot tub: people relaxing in warm water
turnstile: passengers passing a gate in the metro
typewriter keyboard: fingers typing on an old typewriter
umbrella: people walking in the rain with umbrellas
unicycle: a juggler riding on one wheel
upright piano: a child playing the piano at home
vacuum cleaner: a person cleaning the carpet
vase: flowers in a vase on the table
vaulted or arched ceiling: the high ceiling of a cathedral
vending machine: a person buying a drink from a machine
vestment: a priest in a robe in church
viaduct: a train crossing a high stone bridge
violin: a violinist playing in an orchestra
volleyball: players jumping at the net on the beach
wallet: a hand holding money
military aircraft: a fighter jet flying in the sky
sink: a person washing their hands or dishes
washing machine: a person doing the laundry
water bottle: an athlete drinking water
water jug: a woman carrying water
whistle: a referee blowing a whistle
hair wig: a woman with long coloured hair
Windsor tie: a man in a shirt and tie
wine bottle: bottles of wine on a table, people drinking
airplane wing: clouds seen from the window of a plane
wok: a cook tossing food over the fire
wooden spoon: a hand stirring food in a pot
wool: knitting with balls of yarn
split-rail fence: horses behind a fence in a field
shipwreck: a diver at a sunken ship
sailboat: people sailing on a lake
yurt: nomads in front of a round tent on the steppe
website: a computer screen with text and pictures
comic book: a drawing, a cartoon, comic characters
crossword: a person solving a puzzle in a newspaper
traffic or street sign: a sign with writing beside the road
traffic light: cars waiting at a crossing in the city
dust jacket: the cover of a book with a title
menu: a printed page with a list of dishes and prices
plate: food served on a plate
hot pot: people cooking meat and vegetables at the table
ice cream: a child eating ice cream
cheeseburger: a person eating a burger with chips
hot dog: a person eating a sausage in a bun
banana: a monkey or child eating fruit
dough: a baker kneading dough with flour
pizza: friends eating a pizza
red wine: people raising glasses of wine
espresso: a cup of coffee in a cafe
mountain: climbers on a snowy mountain
bubble: a child blowing soap bubbles
cliff: a person standing at the edge of a high rock above the sea
coral reef: colourful fish and corals under water
geyser: hot steam shooting out of the ground
lakeshore: people at the shore of a lake
promontory: a rocky coast by the sea
sandbar: people walking on wet sand by the sea
beach: people walking on the beach by the sea
valley: a green valley between hills
volcano: smoke and lava from a volcano
baseball player: a baseball player running on the field in a game
bridegroom: a bride and groom at their wedding
scuba diver: a scuba diver swimming under water
rapeseed: a field of yellow flowers
corn: a farmer in a field of corn
"""
