"""Trains a "merge" captioner on Flickr8k with Keras: an LSTM reads the words so far, the image's vector is added to it.

    KERAS_BACKEND=torch python train_merge.py --data flickr8k --resnet resnet18.pth --output merge --minutes 15

writes merge/model.h5, merge/model.keras (one network in two formats) and merge/tokenizer.pkl (a pickled Tokenizer). The
image's vector is the mean over the 8x8 cells of ResNet-18's layer4, 512 numbers; the CNN is not in the files, as usual
for such models. Written for Keras 3.15 on PyTorch 2.15.
"""

import argparse
import logging
import math
import os
import pickle
import time

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from keras import layers  # noqa: E402
from keras.src.legacy.preprocessing.text import Tokenizer  # noqa: E402

import flickr8k  # noqa: E402
from models import Encoder  # noqa: E402

# Keras warns at each epoch that .h5 is an old format.
logging.getLogger("absl").setLevel(logging.ERROR)

VECTOR, SIZE, DROPOUT = 512, 256, 0.5
LEAST_COUNT, BATCH, LEARNING_RATE = 5, 128, 2e-3


def merge_model(vocabulary, longest):
    """The network that is saved: the image's vector and the words so far (zeros before them) -> the next word's
    probabilities."""
    image = layers.Input(shape=(VECTOR,))
    seen = layers.Dense(SIZE, activation="relu")(layers.Dropout(DROPOUT)(image))
    words = layers.Input(shape=(longest,))
    read = layers.Embedding(vocabulary, SIZE, mask_zero=True)(words)
    read = layers.LSTM(SIZE)(layers.Dropout(DROPOUT)(read))
    merged = layers.Dense(SIZE, activation="relu")(layers.add([seen, read]))
    next_word = layers.Dense(vocabulary, activation="softmax")(merged)
    model = keras.Model(inputs=[image, words], outputs=next_word)
    model.compile(loss="categorical_crossentropy", optimizer="adam")
    return model


def sequence_model(vocabulary):
    """The same network over all words of a caption at once, which trains many times faster.

    The usual training has a row for each beginning of a caption; here the LSTM gives its state after each beginning.
    All captions of a batch have one length, so that no padding is needed. Its layers with weights come in the order of
    merge_model's.
    """
    image = layers.Input(shape=(VECTOR,))
    seen = layers.Dense(SIZE, activation="relu")(layers.Dropout(DROPOUT)(image))
    words = layers.Input(shape=(None,))
    read = layers.Embedding(vocabulary, SIZE)(words)
    read = layers.LSTM(SIZE, return_sequences=True)(layers.Dropout(DROPOUT)(read))
    merged = layers.Dense(SIZE, activation="relu")(layers.add([keras.ops.expand_dims(seen, 1), read]))
    next_words = layers.Dense(vocabulary, activation="softmax")(merged)
    model = keras.Model(inputs=[image, words], outputs=next_words)
    model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.Adam(LEARNING_RATE, clipnorm=5.0))
    return model


class Captions(keras.utils.PyDataset):
    """Batches of captions of one length, in another order each epoch."""

    def __init__(self, vectors, sequences, owners, seed=None):
        super().__init__()
        self.vectors, self.sequences, self.owners = vectors, sequences, owners
        self.random = None if seed is None else np.random.default_rng(seed)
        self.batches = []
        self.on_epoch_end()

    def on_epoch_end(self):
        order = np.arange(len(self.sequences)) if self.random is None else self.random.permutation(len(self.sequences))
        lengths = {}
        for row in order:
            lengths.setdefault(len(self.sequences[row]), []).append(row)
        self.batches = [rows[start:start + BATCH]
                        for rows in lengths.values() for start in range(0, len(rows), BATCH)]
        if self.random is not None:
            self.random.shuffle(self.batches)

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        rows = self.batches[index]
        words = np.array([self.sequences[row] for row in rows])
        return (self.vectors[self.owners[rows]], words[:, :-1]), words[:, 1:]


class Schedule(keras.callbacks.Callback):
    """The learning rate falls along a cosine to zero over the time given; then the training ends.

    After each epoch, the weights with the best dev loss so far are saved in the form of merge_model.
    """

    def __init__(self, minutes, best_model, output):
        super().__init__()
        self.seconds, self.best_model, self.output = 60 * minutes, best_model, output
        self.began, self.best = time.time(), math.inf

    def on_train_batch_begin(self, batch, logs=None):
        fraction = min(1, (time.time() - self.began) / self.seconds)
        self.model.optimizer.learning_rate = LEARNING_RATE * (0.5 + 0.5 * math.cos(math.pi * fraction))
        if fraction == 1:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        better = logs["val_loss"] < self.best
        print(f"epoch {epoch}: loss {logs['loss']:.4f}, dev loss {logs['val_loss']:.4f}{', kept' if better else ''}, "
              f"{(time.time() - self.began) / 60:.1f} min", flush=True)
        if better:
            self.best = logs["val_loss"]
            trained = [layer for layer in self.model.layers if layer.weights]
            for target, source in zip([layer for layer in self.best_model.layers if layer.weights], trained,
                                      strict=True):
                target.set_weights(source.get_weights())
            for name in ("model.h5", "model.keras"):
                self.best_model.save(os.path.join(self.output, name))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the folder with images/, captions.csv, train.txt and dev.txt")
    parser.add_argument("--resnet", required=True, help="torchvision's ResNet-18 weights")
    parser.add_argument("--output", required=True, help="the folder to write to")
    parser.add_argument("--maps", help="where to keep the CNN's maps, 460 MB (default: layer4.npy in --output)")
    parser.add_argument("--minutes", type=float, default=15, help="the learning rate falls to zero over this time")
    parser.add_argument("--threads", type=int, help="threads of PyTorch (one is faster where others use the processor)")
    parser.add_argument("--limit", type=int, help="use only so many training images and a fifth as many dev images")
    parser.add_argument("--bfloat16", action="store_true", help="the CNN's products in bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    keras.utils.set_random_seed(options.seed)
    os.makedirs(options.output, exist_ok=True)

    captions = flickr8k.captions(options.data)
    train, dev = flickr8k.split(options.data, "train"), flickr8k.split(options.data, "dev")
    if options.limit:
        train, dev = train[:options.limit], dev[:max(1, options.limit // 5)]
    known = set(flickr8k.frequent([words for name in train for words in captions[name]], LEAST_COUNT))

    def texts(names):
        """Rare words are left out, as is usual for these models: they have no word for the unknown."""
        return ["startseq " + " ".join(word for word in words if word in known) + " endseq"
                for name in names for words in captions[name]]

    # The captions have no punctuation left but that inside words ("t-shirt").
    tokenizer = Tokenizer(filters="")
    tokenizer.fit_on_texts(texts(train))
    with open(os.path.join(options.output, "tokenizer.pkl"), "wb") as file:
        pickle.dump(tokenizer, file)
    vocabulary = len(tokenizer.word_index) + 1

    encoder = flickr8k.load_resnet(Encoder(), options.resnet)
    maps = flickr8k.layer4(options.data, encoder, options.maps or os.path.join(options.output, "layer4.npy"),
                           train + dev, options.bfloat16)
    vectors = np.concatenate([maps[start:start + 500].astype(np.float32).mean(axis=(2, 3))
                              for start in range(0, len(maps), 500)])

    def part(names, first, seed):
        sequences = tokenizer.texts_to_sequences(texts(names))
        owners = np.array([first + index for index, name in enumerate(names) for _ in captions[name]])
        return Captions(vectors, sequences, owners, seed)

    train_part, dev_part = part(train, 0, options.seed), part(dev, len(train), None)
    longest = max(len(sequence) for sequence in train_part.sequences) - 1
    print(f"{vocabulary - 1} words, captions of at most {longest} words with startseq, "
          f"{len(train)} + {len(dev)} images", flush=True)
    saved, trained = merge_model(vocabulary, longest), sequence_model(vocabulary)
    trained.fit(train_part, validation_data=dev_part, epochs=1000, verbose=0, shuffle=False,
                callbacks=[Schedule(options.minutes, saved, options.output)])


main()
