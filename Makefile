# make demo | test | bench | install | models ; each does its own set-up.
PREFIX ?= /usr/local
WORD ?= red
PHOTO ?=
PYTHON ?= python3
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PACKAGES = libopenblas-dev libpng-dev libjpeg-dev
MMX = .build/release/mmx
DEMO = .build/demo

.PHONY: setup build demo test bench install clean models

# Debian's packages, only where one is missing.
setup:
	@dpkg -s $(PACKAGES) >/dev/null 2>&1 || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq $(PACKAGES); }

build: setup
	swift build -c release --product mmx

# The default photograph comes out of scikit-image's wheel: a picture that no model here was trained on.
$(DEMO)/astronaut.png:
	@mkdir -p $(DEMO)
	@command -v $(PYTHON) >/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3 python3-pip; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3-pip; }
	$(PYTHON) -m pip download -q --no-deps --only-binary=:all: -d $(DEMO) scikit-image==0.25.2
	$(PYTHON) -c "import glob,zipfile; z=zipfile.ZipFile(glob.glob('$(DEMO)/scikit_image-*.whl')[0]); open('$@','wb').write(z.read('skimage/data/astronaut.png'))"

ifeq ($(PHOTO),)
demo: build $(DEMO)/astronaut.png
	$(MMX) caption $(DEMO)/astronaut.png --explain-word "$(WORD)" --explain-all --output $(DEMO)/out
else
demo: build
	$(MMX) caption "$(PHOTO)" --explain-word "$(WORD)" --explain-all --output $(DEMO)/out
endif

test: setup
	swift build -c release --build-tests -Xswiftc -enable-testing --scratch-path .build-test
	swift test -c release -Xswiftc -enable-testing --scratch-path .build-test

# Against PyTorch, in turns, in one run (Benchmarks/README.md). PYTHON=... names one that has Benchmarks/requirements.txt; without it, a
# virtual environment is made (torch is large). BENCH="--parts caption" hands options on, PHOTO=... names a picture or a folder of them.
MODEL ?= models/caption-flickr8k
BENCH ?=
BENCH_VENV = .build/bench-venv
BENCH_PHOTOS = $(if $(PHOTO),$(PHOTO),$(DEMO)/photos)
BENCH_PYTHON = $(if $(filter file,$(origin PYTHON)),$(BENCH_VENV)/bin/python,$(PYTHON))

$(DEMO)/photos: $(DEMO)/astronaut.png
	@mkdir -p $@
	$(PYTHON) -c "import glob,zipfile; z=zipfile.ZipFile(glob.glob('$(DEMO)/scikit_image-*.whl')[0]); [open('$@/'+n,'wb').write(z.read('skimage/data/'+n)) for n in ('astronaut.png','astronaut.png','coffee.png','rocket.jpg')]"

$(BENCH_VENV)/complete: Benchmarks/requirements.txt
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3 python3-venv; }
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install -q -r Benchmarks/requirements.txt
	@touch $@

bench: build $(if $(PHOTO),,$(DEMO)/photos) $(if $(filter file,$(origin PYTHON)),$(BENCH_VENV)/complete)
	swift build -c release --product mmx-bench
	$(BENCH_PYTHON) Benchmarks/bench.py --model $(MODEL) --photos $(BENCH_PHOTOS) $(BENCH)

install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/mmx
	install -m 755 $(MMX) $(DESTDIR)$(PREFIX)/bin/mmx
	cp -R models vocab $(DESTDIR)$(PREFIX)/share/mmx/

clean:
	rm -rf .build .build-test
