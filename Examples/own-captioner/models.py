"""The captioner's modules: a frozen ResNet-18, and an LSTM that looks at 14x14 regions of the photograph.

`train_attention.py` saves these modules whole, so a checkpoint names this file's classes (`models.Encoder` ...), and
whoever loads it with PyTorch needs this file beside the program. The equations are those of "Show, Attend and Tell"
with soft attention (Xu et al., 2015).
"""

import torch
import torchvision
from torch import nn


class Encoder(nn.Module):
    """Normalised images [N, 3, 256, 256] -> features [N, 14, 14, 512]."""

    def __init__(self, encoded_image_size=14):
        super().__init__()
        self.enc_image_size = encoded_image_size
        layers = list(torchvision.models.resnet18(weights=None).children())
        # Without the global average and the classifier: ends with layer4.
        self.resnet = nn.Sequential(*layers[:-2])
        self.adaptive_pool = nn.AdaptiveAvgPool2d((encoded_image_size, encoded_image_size))

    def forward(self, images):
        return self.adaptive_pool(self.resnet(images)).permute(0, 2, 3, 1)


class Attention(nn.Module):
    """Weights of the regions: softmax over regions of full_att(ReLU(encoder_att(region) + decoder_att(h)))."""

    def __init__(self, encoder_dim, decoder_dim, attention_dim):
        super().__init__()
        self.encoder_att = nn.Linear(encoder_dim, attention_dim)
        self.decoder_att = nn.Linear(decoder_dim, attention_dim)
        self.full_att = nn.Linear(attention_dim, 1)
        self.relu = nn.ReLU()
        self.softmax = nn.Softmax(dim=1)

    def weights(self, projected, hidden):
        """Projected regions [N, R, attention_dim], h [N, decoder_dim] -> weights [N, R] that add up to 1."""
        scores = self.full_att(self.relu(projected + self.decoder_att(hidden).unsqueeze(1)))
        return self.softmax(scores.squeeze(2))


class DecoderWithAttention(nn.Module):
    """One word after another: LSTMCell([embedding of the word before, gated mean of the regions]) -> logits."""

    def __init__(self, attention_dim, embed_dim, decoder_dim, vocab_size, encoder_dim=512, dropout=0.5):
        super().__init__()
        self.encoder_dim = encoder_dim
        self.attention_dim = attention_dim
        self.embed_dim = embed_dim
        self.decoder_dim = decoder_dim
        self.vocab_size = vocab_size
        self.attention = Attention(encoder_dim, decoder_dim, attention_dim)
        self.embedding = nn.Embedding(vocab_size, embed_dim)
        self.dropout = nn.Dropout(p=dropout)
        self.decode_step = nn.LSTMCell(embed_dim + encoder_dim, decoder_dim)
        self.init_h = nn.Linear(encoder_dim, decoder_dim)
        self.init_c = nn.Linear(encoder_dim, decoder_dim)
        self.f_beta = nn.Linear(decoder_dim, encoder_dim)
        self.sigmoid = nn.Sigmoid()
        self.fc = nn.Linear(decoder_dim, vocab_size)
        for table in (self.embedding.weight, self.fc.weight):
            nn.init.uniform_(table, -0.1, 0.1)
        nn.init.zeros_(self.fc.bias)

    def start(self, regions):
        """Regions [N, R, encoder_dim] -> the LSTM's first h and c, [N, decoder_dim] each."""
        mean = regions.mean(dim=1)
        return self.init_h(mean), self.init_c(mean)

    def step(self, words, regions, projected, hidden, cell):
        """One step. Words [N], regions [N, R, encoder_dim], projected = attention.encoder_att(regions).

        Returns h, c and the attention's weights [N, R]; the logits are fc(h).
        """
        weights = self.attention.weights(projected, hidden)
        context = torch.bmm(weights.unsqueeze(1), regions).squeeze(1)
        context = self.sigmoid(self.f_beta(hidden)) * context
        hidden, cell = self.decode_step(torch.cat([self.embedding(words), context], dim=1), (hidden, cell))
        return hidden, cell, weights

    def forward(self, features, captions, lengths, owners):
        """Teacher forcing over N captions of I images; the captions are sorted from the longest to the shortest.

        Features [I, 14, 14, encoder_dim] (or another grid); captions [N, T], with <start> first; lengths: how many
        words each caption predicts, as a list; owners [N]: the image that each caption belongs to. Returns the logits
        of all predicted words, step by step, [sum of lengths, vocab_size], the words that they should be, and the
        attention's weights summed over the steps, [N, R].
        """
        regions = features.flatten(1, 2)
        projected = self.attention.encoder_att(regions)[owners]
        # In the precision of the products, so that they need not convert it at each step.
        regions = regions.to(projected.dtype)[owners]
        hidden, cell = self.start(regions)
        hiddens, targets, looked = [], [], []
        for t in range(lengths[0]):
            n = sum(length > t for length in lengths)
            hidden, cell, weights = self.step(
                captions[:n, t], regions[:n], projected[:n], hidden[:n], cell[:n])
            hiddens.append(hidden)
            targets.append(captions[:n, t + 1])
            looked.append(nn.functional.pad(weights, (0, 0, 0, len(lengths) - n)))
        logits = self.fc(self.dropout(torch.cat(hiddens)))
        return logits, torch.cat(targets), torch.stack(looked).sum(dim=0)
