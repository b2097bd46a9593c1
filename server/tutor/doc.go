// Package tutor answers students' questions from the material of their own course: it reads uploaded documents into
// passages, finds the passages that a question is about, lets an OpenAI-compatible language model answer from them when one
// is set up, and quotes them when none is.
//
// Invariants:
//
//  1. A question is committed before anything here starts. Its answer is a row of the store that is claimed by one node,
//     written once, and refused from anybody who lost the claim: never lost, never two answers.
//  2. An answer does not depend on the request that asked for it. The browser may leave; Stop is a request of its own.
//  3. Text reaches a model only through buildPrompt: passages that this student may open at this moment, this thread, no
//     names, no ids. Passages and messages are data, never instructions; the model has no tools. A model of embeddings, if an
//     operator has set one, gets the passages that members see, and questions that have passed the gate, without names.
//  4. Text reaches a reader only through the outlet: reasoning removed, citations checked against the passages that were
//     sent, links and images dropped. What was shown is what is stored.
//  5. Nothing relevant found, or no endpoint: no model call. A failing endpoint costs the reader the generated text, not the
//     passages. What an endpoint says about its failure is logged for operators and never shown.
//  6. No lock and no claim on the store is held while a model is called.
//
// The package knows nothing of HTTP routes and of consensus; the store is the Store interface.
package tutor
