"""Names of containers: what a name may be, and names made up for those that give none."""

import os
import re
from collections.abc import Sequence

from wherry.errors import InvalidArgument

_NAME = re.compile(r"/?[a-zA-Z0-9][a-zA-Z0-9_.-]+", re.ASCII)
ATTEMPTS = 6  # made-up names tried before the ID becomes the name

_ADJECTIVES = """
able agile amber amiable ardent artful astute blithe bold bonny brave breezy bright brisk calm
candid canny careful charming cheerful clement clever cogent cosy crisp curious dapper daring deft
devoted diligent eager earnest earthy elated eloquent fair fearless fervent fleet fond frank
friendly frosty gallant genial gentle gifted glad gleeful graceful gracious handy happy hardy
hearty helpful honest hopeful humble jolly jovial joyful keen kind lively loyal lucid lucky mellow
merry mild mindful modest musing nifty nimble noble patient peaceful playful plucky poised polite
quick quiet quirky radiant ready resolute robust serene sharp sincere smart snappy sober spry
stalwart steady sturdy sunny swift tender thrifty tidy upbeat valiant vivid warm wise witty zealous
"""
_SURNAMES = """
abel agnesi alhazen ampere archimedes aryabhata avogadro babbage baird banach banneker bardeen
bartik becquerel bell bernoulli bessel bhabha blackburn blackwell bohr boltzmann boole borg bose
bragg brahe brahmagupta brouwer burnell cannon cantor carnot carson carver cavendish celsius cerf
chandrasekhar chebyshev clarke copernicus coulomb cray crick curie cuvier dalton darwin davy
dedekind descartes dijkstra dirac dubinsky dyson earhart eckert edison einstein elion engelbart
eratosthenes erdos euclid euler faraday fermat fermi feynman fibonacci fleming forssmann fourier
franklin fresnel galilei galois galvani gauss germain gibbs godel goldberg goldwasser goodall haber
hamilton hamming harvey hawking heisenberg helmholtz henry hermann herschel hertz hilbert hodgkin
hooke hopper hubble hutton huygens hypatia jackson jacobi jemison jenner johnson joliot joule
kapitsa karp keller kelvin kepler khayyam khorana kilby knuth kovalevskaya lagrange lamarr lamport
landau laplace lavoisier leakey leavitt leeuwenhoek legendre leibniz linnaeus liskov lomonosov
lorentz lovelace lumiere mach mandelbrot marconi margulis maxwell mayer mcclintock mclean meitner
mendel mendeleev mercator michelson millikan minkowski mirzakhani moore morse moseley moser nash
neumann newton nightingale nobel noether northcutt noyce ohm oppenheimer panini pare pascal pasteur
pauli pauling payne peano perlman pike planck poincare poisson poitras ptolemy pythagoras raman
ramanujan rayleigh ride riemann ritchie roentgen rubin rutherford sagan sammet schrodinger shannon
shaw shockley sinoussi snyder spence stallman steno stokes swanson swartz taussig tesla tharp
thompson torricelli torvalds tu turing varahamihira vaughan veblen villani visvesvaraya volhard
volta wallace watt weierstrass wescoff weyl wiener wiles wilson wing wright yalow yonath yukawa zeno
zuse
"""


class InvalidName(InvalidArgument):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"Invalid container name ({name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        )


def checked_name(name: str) -> str:
    """The name without a leading slash, or InvalidName."""
    if not _NAME.fullmatch(name):
        raise InvalidName(name)
    return name.removeprefix("/")


def generated_name(attempt: int) -> str:
    """A made-up `adjective_surname`, with a digit behind it from the second attempt on."""
    name = f"{_any(_ADJECTIVE_LIST)}_{_any(_SURNAME_LIST)}"
    return name + _any("0123456789") if attempt else name


def _any(choices: Sequence[str]) -> str:
    # Not `random`: every child of the launcher would inherit the same state, and it loads for long.
    return choices[int.from_bytes(os.urandom(4), "big") % len(choices)]


_ADJECTIVE_LIST = _ADJECTIVES.split()
_SURNAME_LIST = _SURNAMES.split()


def new_id() -> str:
    """64 random hex digits, the first twelve of which are not a number.

    The short ID is the default host name, and one of digits alone reads as an address.
    """
    while True:
        identifier = os.urandom(32).hex()
        if not identifier[:12].isdigit():
            return identifier
