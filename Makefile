# make demo | test | bench | install | models ; each does its own set-up.
PREFIX ?= /usr/local
WORD ?=
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
$(DEMO)/chelsea.png:
	@mkdir -p $(DEMO)
	@command -v $(PYTHON) >/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3 python3-pip; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3-pip; }
	$(PYTHON) -m pip download -q --no-deps --only-binary=:all: -d $(DEMO) scikit-image==0.25.2
	$(PYTHON) -c "import glob,zipfile; z=zipfile.ZipFile(glob.glob('$(DEMO)/scikit_image-*.whl')[0]); open('$@','wb').write(z.read('skimage/data/chelsea.png'))"

ifeq ($(PHOTO),)
demo: build $(DEMO)/chelsea.png
	$(MMX) caption $(DEMO)/chelsea.png $(if $(WORD),--explain-word "$(WORD)",--explain-all) --output $(DEMO)/out
else
demo: build
	$(MMX) caption "$(PHOTO)" $(if $(WORD),--explain-word "$(WORD)",--explain-all) --output $(DEMO)/out
endif

test: setup
	swift build -c release --product mmx
	swift build -c release --build-tests -Xswiftc -enable-testing --scratch-path .build-test
	swift test -c release -Xswiftc -enable-testing --scratch-path .build-test

install: build
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/mmx
	install -m 755 $(MMX) $(DESTDIR)$(PREFIX)/bin/mmx
	cp -R models vocab $(DESTDIR)$(PREFIX)/share/mmx/

clean:
	rm -rf .build .build-test
