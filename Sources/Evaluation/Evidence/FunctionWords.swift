/// Words that a sentence needs for its grammar, and that name nothing which an image could show: articles, pronouns,
/// forms of "be" and "have", conjunctions, and the prepositions "of", "to", "at", "for", "with", "by", "as".
///
/// Prepositions of place ("on", "in", "under") are left out of the list: an image can decide between them.
enum FunctionWords {
    static let all: Set<String> = [
        "a", "an", "the", "this", "these", "those", "some", "and", "or", "but", "while", "as", "that", "which",
        "who", "is", "are", "was", "were", "be", "been", "being", "has", "have", "had", "do", "does", "of", "to", "at",
        "for", "with", "by", "from", "it", "its", "his", "her", "their", "he", "she", "they", "him", "them", "there",
    ]
}
